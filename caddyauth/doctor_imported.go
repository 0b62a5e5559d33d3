package caddyauth

import (
	"fmt"
	"time"

	"github.com/sallyport/sallyport/internal/plural"
	"github.com/sallyport/sallyport/internal/store"
)

// importedUsedWithin is how long after an import what is in use should have been used.
const importedUsedWithin = 30 * 24 * time.Hour

// checkImported looks for hashes of other software that nothing has replaced.
func checkImported(e *examination) ([]finding, error) {
	if e.target == nil {
		return nil, nil
	}
	var left store.ImportedLeft
	if err := e.target.perform(e.ctx, "user/imported-left", struct{}{}, &left); err != nil {
		return nil, err
	}
	if left.Oldest.IsZero() || e.now.Sub(left.Oldest) <= importedUsedWithin {
		return nil, nil
	}
	return []finding{importedUnused.of(fmt.Sprintf("%s and %s were imported, the first of them %s, and have not been used since",
		plural.Of(left.Passwords, "password"), plural.Of(left.Keys, "key"), left.Oldest.UTC().Format(time.RFC3339)))}, nil
}
