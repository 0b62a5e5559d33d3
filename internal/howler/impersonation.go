package howler

// Failures of X-Impersonating, in the order in which they are looked for.
var (
	// MalformedImpersonating: it is not two words with one blank between them, or
	// there are two of them. Howler crashes.
	MalformedImpersonating = &Failure{Status: 400, Code: codeMalformed, Text: "Incorrectly formatted X-Impersonating header"}
	// WrongImpersonatingScheme: it is not Basic.
	WrongImpersonatingScheme = &Failure{Status: 400, Code: codeMalformed, Text: "Not a valid authentication type for impersonation."}
	// NoImpersonatedUser: what it holds proves nothing, for whatever reason.
	NoImpersonatedUser = &Failure{Status: 401, Code: codeImpersonation, Text: "No impersonated user found"}
	// NotImpersonationKey: the key is right, and not one for impersonation or not for
	// this caller. Howler tells that before it looks at the secret.
	NotImpersonationKey = &Failure{Status: 403, Code: codeImpersonation, Text: "Not a valid impersonation api key"}
	// ImpersonationKey: a key for X-Impersonating was presented as a credential. It is
	// only for a caller who has presented the right secret.
	ImpersonationKey = &Failure{Status: 403, Code: codeImpersonation, Text: "Cannot use impersonation key in normal Authorization Header! Provide your credentials and supply it in the X-Impersonating header instead."}
)
