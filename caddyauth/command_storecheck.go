package caddyauth

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/store"
)

// The kinds of findings that only this command has, as docs/operations.md lists them.
var (
	recordRefused = ailment{"record_refused", levelError, "restore a backup from before; a server does not load a store that has such a record, or it does not count as it should"}
	schemaOld     = ailment{"schema_old", levelWarning, "start the server, or run any other command on the store, which brings it up to date; then check it again"}
	schemaNew     = ailment{"schema_new", levelError, "run the newer version of this program"}
)

func storeCheckCommand(where *targetFlags) *cobra.Command {
	var asJSON bool
	c := verb(where, cobra.Command{
		Use:   "check",
		Short: "Reads all of the store, and says what is wrong with it",
		Long: `Reads the store from beginning to end: whether it is made as this program makes
one, all pages and indexes, what records refer to, whether each record is sound,
whether there are events later than now, and whether the pepper file has the peppers
that it needs. Nothing is changed, and the server may be running. Owners and modes of
files are looked at by 'caddy auth doctor'.

Exit codes: 0 nothing was found, 10 there are warnings, 20 there are errors. With any
other it could not look.`,
		Example: "  caddy auth store check --config /etc/caddy/Caddyfile",
	}, func(s *session, _ []string) error {
		f, err := s.readableFile()
		if err != nil {
			return err
		}
		found, err := s.checkFile(&f)
		if err != nil {
			return err
		}
		return s.conclude(found, asJSON)
	})
	c.Flags().BoolVar(&asJSON, "json", false, "Write a JSON array")
	return withoutCreate(c)
}

// slowStore is from how many bytes on a check takes so long that it tells what it is
// doing.
const slowStore = 64 << 20

// checkFile looks for what is wrong with a store.
func (s *session) checkFile(f *storeFile) ([]finding, error) {
	var size int64
	if info, err := os.Stat(f.settings.Location.Path); err == nil {
		size = info.Size()
	}
	began := time.Now()
	i, err := identity.Inspect(s.Ctx, f.settings, func(what string) {
		if size >= slowStore {
			// Whether it can be told does not matter.
			_ = s.Say("%5.1f s: reading %s of %s", time.Since(began).Seconds(), what, humanize.IBytes(uint64(size)))
		}
	})
	if errors.Is(err, store.ErrDamaged) {
		return []finding{storeDamaged.of(err.Error())}, nil
	}
	if err != nil {
		return nil, orAnother(err)
	}
	if len(i.Structure) > 0 {
		return madeOtherwise(&i, f), nil
	}
	return findingsOf(&i, f, began), s.Say("%s; pepper fingerprint %s", inWords(&i.Summary), fingerprints(&i.Summary))
}

// madeOtherwise: nobody knows what the records in such a store mean.
func madeOtherwise(i *identity.Inspection, f *storeFile) (list []finding) {
	for _, problem := range i.Structure {
		list = append(list, storeDamaged.of(fmt.Sprintf("store %s: %s; its records were not looked at", f.settings.Location, problem)))
	}
	return list
}

// elsewhere says what to do where what was looked at is a copy or a backup, beside
// which there is no pepper.
func elsewhere(fault error) string {
	if errors.Is(fault, fs.ErrNotExist) {
		return "; for a copy or a backup whose pepper is kept elsewhere name that by --pepper-file <file>"
	}
	return ""
}

// findingsOf puts an inspection into words.
func findingsOf(i *identity.Inspection, f *storeFile, now time.Time) []finding {
	list := []finding{}
	location := f.settings.Location
	for _, problem := range i.Damage {
		list = append(list, storeDamaged.of(fmt.Sprintf("store %s: %s", location, problem)))
	}
	for _, problem := range i.Refused {
		list = append(list, recordRefused.of(fmt.Sprintf("store %s: %s", location, problem)))
	}
	switch {
	case i.Schema < i.Known:
		list = append(list, schemaOld.of(fmt.Sprintf("store %s has schema %d, this program %d; its records were not looked at", location, i.Schema, i.Known)))
	case i.Schema > i.Known:
		list = append(list, schemaNew.of(fmt.Sprintf("store %s has schema %d, this program knows %d; its records were not looked at", location, i.Schema, i.Known)))
	}
	if i.PepperFault != nil {
		list = append(list, pepperUnusable.of(i.PepperFault.Error()+elsewhere(i.PepperFault)))
	}
	for _, print := range i.Missing {
		list = append(list, pepperWrong.of(fmt.Sprintf("the pepper file lacks the pepper of fingerprint %s", print)))
	}
	return append(append(list, judgeUnneeded(i.LeftOver)...), clockBehind(now, i.Latest)...)
}
