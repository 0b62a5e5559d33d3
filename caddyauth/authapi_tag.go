package caddyauth

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/sallyport/sallyport/internal/howler"
)

// tagged is the payload of an answer with an ETag.
type tagged struct{ payload any }

// tagOf is the ETag of an answer, without quotation marks. It is made of the whole
// body, as the record of a user has keys in it that have versions of their own.
func tagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:16])
}

// answerTag sets the ETag, and answers 304 to a client that has this answer already.
// Howler asks for that by If-Match.
func answerTag(c *apiCall, body []byte) (done bool) {
	tag := tagOf(body)
	c.w.Header()["Etag"] = []string{`"` + tag + `"`}
	for _, name := range []string{"If-None-Match", "If-Match"} {
		if tags := howler.ParseTags(c.r.Header[name]); tags.Has(tag) {
			c.w.Header()["Cache-Control"] = []string{"no-store"}
			c.w.WriteHeader(http.StatusNotModified)
			return true
		}
	}
	return false
}

// checkTag holds the record of a user against If-Match of a change, and reports
// whether one of a certain version was asked for.
func (h *AuthAPI) checkTag(c *apiCall, record howler.WhoAmI) (only bool, failed *failure) {
	tags := howler.ParseTags(c.r.Header["If-Match"])
	if !tags.Given || tags.Any {
		return false, nil
	}
	body, err := howler.Success(h.version, record).Append(nil)
	switch {
	case err != nil:
		return false, told(howler.Internal, err.Error())
	case !tags.Has(tagOf(body)):
		return false, told(howler.OtherVersion, "version")
	}
	return true, nil
}
