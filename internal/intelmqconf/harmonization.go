package intelmqconf

import "time"

// Harmonization is the file harmonization.conf in IntelMQ's configuration folder:
// the fields of an event and their types. The zero value is ready, and may be used by
// many goroutines at once.
type Harmonization struct {
	// Now is the time, for how long what was read is good; nil is time.Now.
	Now func() time.Time

	cache cache
}

// Read gives the fields. A file that is missing, or holds an empty list, has none;
// an empty one is an error. The error is a FileError.
func (h *Harmonization) Read(path string) (*Document, error) {
	return orNone(h.cache.read(path, clock(h.Now), parseConf))
}
