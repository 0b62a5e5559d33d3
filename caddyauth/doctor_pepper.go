package caddyauth

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plural"
)

// pepperMovesWithin is how long after a change of the pepper what is in use should
// have moved.
const pepperMovesWithin = 30 * 24 * time.Hour

// checkPepper holds the pepper file against what the store needs: it may have been
// lost since the server was started. A command that opens the store itself has
// read it.
func checkPepper(e *examination) ([]finding, error) {
	if e.target == nil || e.settings.PepperFile == "" {
		return nil, nil
	}
	file, err := identity.ReadPeppers(e.settings.PepperFile)
	switch {
	case err != nil && e.target.server == nil:
		return nil, nil
	case errors.Is(err, fs.ErrPermission):
		return unseen(err), nil
	case err != nil:
		return []finding{pepperUnusable.of(err.Error())}, nil
	}
	var status identity.PepperStatus
	if err := e.target.perform(e.ctx, "store/pepper/status", struct{}{}, &status); err != nil {
		return nil, err
	}
	return append(judgePeppers(e, file, &status), checkDrafts(e)...), nil
}

// checkDrafts looks for peppers that a killed process has left beside their file.
func checkDrafts(e *examination) (found []finding) {
	drafts, err := identity.LeftDrafts(e.settings.PepperFile, e.now)
	if err != nil {
		return unseen(err)
	}
	for _, draft := range drafts {
		found = append(found, pepperDraft.of(fmt.Sprintf("'%s' holds peppers, and was left by a process that was killed", draft)))
	}
	return found
}

// judgePeppers says what is wrong with the peppers in the file and those that the
// store needs.
func judgePeppers(e *examination, file *credential.Peppers, status *identity.PepperStatus) (found []finding) {
	for _, p := range status.Peppers {
		if file.Find(p.Fingerprint) == nil {
			return []finding{pepperWrong.of(fmt.Sprintf("pepper file '%s' has the fingerprint %s, the store needs %s", e.settings.PepperFile, strings.Join(file.Fingerprints(), ", "), p.Fingerprint))}
		}
	}
	found = judgeUnneeded(status.Unneeded())
	if changed := status.Peppers[0].Created; status.OldKeys+status.OldTokens > 0 && e.now.Sub(changed) > pepperMovesWithin {
		found = append(found, pepperUnfinished.of(fmt.Sprintf("the pepper was changed %s, and %s and %s have not been used since",
			changed.UTC().Format(time.RFC3339), plural.Of(status.OldKeys, "key"), plural.Of(status.OldTokens, "token"))))
	}
	return found
}

// judgeUnneeded tells of peppers that could be retired.
func judgeUnneeded(fingerprints []string) []finding {
	if len(fingerprints) == 0 {
		return nil
	}
	return []finding{pepperLeftOver.of(fmt.Sprintf("nothing needs the peppers %s any more", strings.Join(fingerprints, ", ")))}
}
