package jwtvectors

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Token makes the token of a vector at a time.
func (p *Provider) Token(v Vector, now time.Time) (string, error) {
	if v.Header == "" {
		return strings.Replace(v.Raw, "<100000 x .>", strings.Repeat(".", 100_000), 1), nil
	}
	header, err := p.fill(v.Header, now)
	if err != nil {
		return "", err
	}
	payload, err := p.fill(v.Payload, now)
	if err != nil {
		return "", err
	}
	token, err := p.sign(v.Sign, header, payload)
	if err != nil {
		return "", fmt.Errorf("vector '%s': %w", v.ID, err)
	}
	return token + v.Suffix, nil
}

// fill puts into a recipe what it leaves open.
func (p *Provider) fill(recipe string, now time.Time) (string, error) {
	for _, seconds := range []int64{600, -10, -30, 30, -3600, 3600, 315360000} {
		at := now.Unix() + seconds
		recipe = strings.ReplaceAll(recipe, fmt.Sprintf("{now%+d}", seconds), fmt.Sprint(at))
		recipe = strings.ReplaceAll(recipe, fmt.Sprintf("{(now%+d)*1000}", seconds), fmt.Sprint(at*1000))
	}
	recipe = strings.NewReplacer(
		"<5000 x a>", strings.Repeat("a", 5000),
		"<10000 x a>", strings.Repeat("a", 10_000),
		"<48000 x a>", strings.Repeat("a", 48_000),
		"<10000 x [ >", strings.Repeat("[", 10_000),
		"<0xff>", "\xff",
	).Replace(recipe)
	if strings.Contains(recipe, "now") {
		return "", fmt.Errorf("a time is not known here: %s", recipe)
	}
	if recipe == "<another compact token>" {
		return p.signed(mainKey, `{"alg":"RS256"}`, `{}`)
	}
	if !strings.Contains(recipe, "<foreign>") {
		return recipe, nil
	}
	public, ok := p.private[foreign].Public().(*rsa.PublicKey)
	if !ok {
		return "", fmt.Errorf("the key '%s' is no RSA key", foreign)
	}
	if strings.Contains(recipe, `"x5c"`) {
		certificate, err := p.certificate()
		return strings.ReplaceAll(recipe, "<foreign>", certificate), err
	}
	return strings.ReplaceAll(recipe, "<foreign>", encode(public.N.Bytes())), nil
}

// certificate is one that the key of nobody has signed itself.
func (p *Provider) certificate() (string, error) {
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, p.private[foreign].Public(), p.private[foreign])
	return base64.StdEncoding.EncodeToString(der), err
}

// sign makes the token whose signature is as a recipe says.
func (p *Provider) sign(how, header, payload string) (string, error) {
	text := encode([]byte(header)) + "." + encode([]byte(payload))
	name, change, _ := strings.Cut(how, ",")
	switch {
	case how == "empty":
		return text + ".", nil
	case how == "raw:64 zero bytes":
		return text + "." + encode(make([]byte, 64)), nil
	case how == "ec-1 as DER":
		digest := sha256.Sum256([]byte(text))
		der, err := p.private["ec-1"].Sign(rand.Reader, digest[:], crypto.SHA256)
		return text + "." + encode(der), err
	case strings.HasPrefix(how, "hmac:"):
		return p.hmac(strings.TrimPrefix(how, "hmac:"), text)
	case how == "good for another payload":
		return p.signatureOf(text, mainKey, header, payload+" ")
	case how == "good for another header":
		return p.signatureOf(text, mainKey, strings.Replace(header, mainKey, "another", 1), payload)
	}
	if name == "good" {
		name = kid(header)
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "A:"), " key")
	if p.private[name] == nil {
		name = mainKey
	}
	token, err := p.signed(name, header, payload)
	if err != nil {
		return "", err
	}
	return alter(token, strings.TrimSpace(change))
}

// signatureOf puts the signature of another header and payload behind a text.
func (p *Provider) signatureOf(text, name, header, payload string) (string, error) {
	token, err := p.signed(name, header, payload)
	return text + token[strings.LastIndexByte(token, '.'):], err
}

// signed signs with a key, by the alg of the header or, where that is none for the key,
// by the usual one.
func (p *Provider) signed(name, header, payload string) (string, error) {
	var method jwt.SigningMethod
	switch p.private[name].(type) {
	case *rsa.PrivateKey:
		method = jwt.SigningMethodRS256
		if a := alg(header); strings.HasPrefix(a, "RS") || strings.HasPrefix(a, "PS") {
			method = jwt.GetSigningMethod(a)
		}
	case *ecdsa.PrivateKey:
		method = jwt.SigningMethodES256
	default:
		method = jwt.SigningMethodEdDSA
	}
	text := encode([]byte(header)) + "." + encode([]byte(payload))
	signature, err := method.Sign(text, p.private[name])
	return text + "." + encode(signature), err
}

// hmac signs with a secret that is public: an empty one, k, or a text of rsa-1.
func (p *Provider) hmac(secret, text string) (string, error) {
	public, ok := p.private[mainKey].Public().(*rsa.PublicKey)
	if !ok {
		return "", fmt.Errorf("the key '%s' is no RSA key", mainKey)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", err
	}
	switch secret {
	case "pem(rsa-1)":
		secret = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	case "der(rsa-1)":
		secret = string(der)
	case "n(rsa-1)":
		secret = encode(public.N.Bytes())
	}
	signature, err := jwt.SigningMethodHS256.Sign(text, []byte(secret))
	return text + "." + encode(signature), err
}

// alter changes a good token.
func alter(token, change string) (string, error) {
	dot := strings.LastIndexByte(token, '.')
	last := len(token) - 1
	altered := token
	switch change {
	case "":
		return token, nil
	case "bit flipped":
		signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
		if err != nil {
			return "", err
		}
		signature[len(signature)/2] ^= 1
		altered = token[:dot+1] + encode(signature)
	case "cut":
		signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
		if err != nil {
			return "", err
		}
		altered = token[:dot+1] + encode(signature[:len(signature)-1])
	case "standard alphabet":
		altered = token[:dot+1] + strings.NewReplacer("-", "+", "_", "/").Replace(token[dot+1:])
	case "CRLF inserted":
		middle := strings.IndexByte(token, '.') + 9
		altered = token[:middle] + "\r\n" + token[middle:]
	case "last digit changed within its unused bits":
		const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		altered = token[:last] + string(digits[strings.IndexByte(digits, token[last])+1])
	}
	if altered == token {
		return "", fmt.Errorf("'%s' changes nothing", change)
	}
	return altered, nil
}

func kid(header string) string { return read(header, "kid") }

func alg(header string) string { return read(header, "alg") }

// read returns a text of a header, "" where there is none.
func read(header, name string) string {
	var members map[string]any
	if json.Unmarshal([]byte(header), &members) != nil {
		return ""
	}
	text, _ := members[name].(string)
	return text
}
