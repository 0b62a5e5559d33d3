package howler

// IsKeyName reports whether a key of that name can be used and deleted: 1 to 64
// letters, digits and . _ - with a letter or digit first.
func IsKeyName(name string) bool { return keyName.MatchString(name) }
