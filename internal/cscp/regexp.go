package cscp

// CheckRegexp is replaced by the real one at merge.
func CheckRegexp(string) error { return nil }
