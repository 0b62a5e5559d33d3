package redact

import "strings"

// holdsSecret reports whether a value, decoded, has a credential in it.
func holdsSecret(value string) bool { return hasForm(value) || holdsStructure(value) }

// holdsStructure reports whether a value, decoded, is one of the header
// Authorization, a URL with a password or with a parameter that is a credential,
// or JSON with a name that is.
func holdsStructure(value string) bool {
	return isAuthorization(value) || hideUserinfo(value) != value || holdsParameter(value)
}

// separators are in front of a parameter, for one reader or another, or of a
// name in JSON.
const separators = "?#&;{,"

// holdsParameter looks for the names of credentials behind separators.
func holdsParameter(value string) bool {
	inObject := false
	for {
		at := strings.IndexAny(value, separators)
		if at < 0 {
			return false
		}
		separator := value[at]
		inObject = inObject || separator == '{'
		value = value[at+1:]
		parameter := value
		if end := strings.IndexAny(value, separators); end >= 0 {
			parameter = value[:end]
		}
		if separator == '{' || separator == ',' {
			if inObject && isSecretMember(parameter) {
				return true
			}
		} else if from := secretValue(parameter); from >= 0 && from < len(value) {
			return true
		}
	}
}

// isSecretMember reports whether a member of an object in JSON is a credential.
// A name with letters in \u may be that of one.
func isSecretMember(member string) bool {
	name, _, hasValue := strings.Cut(member, ":")
	return hasValue && (isSecret(unescape(name)) || strings.Contains(name, `\u`))
}
