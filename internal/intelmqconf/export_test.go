package intelmqconf

// Write gives the text of a runtime.yaml into which a body was saved, and whether
// its comments are lost.
func Write(old, body string) (text string, plain bool, err error) {
	root, have, err := parseRuntime([]byte(old))
	if err != nil {
		return "", false, err
	}
	want, err := parseBots([]byte(body))
	if err != nil {
		return "", false, err
	}
	next, err := write([]byte(old), root, &have, &want)
	return string(next.text), next.plain, err
}
