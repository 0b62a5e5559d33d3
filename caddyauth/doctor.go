package caddyauth

import (
	"context"
	"slices"
	"time"

	"github.com/sallyport/sallyport/internal/identity"
)

// finding is one thing that an administrator should look at.
type finding struct {
	// Code is stable: scripts may decide on it.
	Code string `json:"code"`
	// Level is error, for what is broken or open, or warning.
	Level string `json:"level"`
	// What says what is wrong, and with which server, log, file or key.
	What string `json:"what"`
	// Remedy says what to do.
	Remedy string `json:"remedy"`
}

// ailment is a kind of findings.
type ailment struct{ code, level, remedy string }

const (
	levelError   = "error"
	levelWarning = "warning"
)

// The kinds of findings, as docs/operations.md lists them.
var (
	noConfiguration  = ailment{"no_configuration", levelWarning, "run it beside the Caddyfile, or name the configuration with --config"}
	proxiesLax       = ailment{"proxies_not_strict", levelWarning, "add trusted_proxies_strict to the same block of servers"}
	logUnfiltered    = ailment{"log_unfiltered", levelWarning, "put the lines of the README, Credentials in logs, into the log's format filter"}
	adminReachable   = ailment{"admin_not_local", levelWarning, "put the admin API on a socket, such as unix//run/caddy/admin.sock"}
	insecureOption   = ailment{"insecure_option", levelWarning, "take it out as soon as you can do without"}
	loginBehindGate  = ailment{"login_behind_gate", levelWarning, "put token_auth and what it guards into a handle of its own"}
	noProvider       = ailment{"no_provider", levelWarning, "write a provider into caddyauth, or take jwt out of accept"}
	redirectPlain    = ailment{"redirect_not_https", levelWarning, "write it with https, and register that at the provider"}
	noLogIn          = ailment{"no_auth_api", levelWarning, "write auth_api into the site of its redirect_uri, or take client_id out of the provider"}
	notChecked       = ailment{"not_checked", levelWarning, "run the command as root or as the server's user"}
	fileReadable     = ailment{"file_readable", levelWarning, "take the rights of others away with chmod o="}
	fileWritable     = ailment{"file_writable", levelError, "take the rights of others away with chmod o=, and look who has used them"}
	fileOwner        = ailment{"file_owner", levelError, "give it with chown to the server's user, to whom the others belong"}
	diskLow          = ailment{"disk_low", levelWarning, "make room; when the disk is full nothing can be changed, keys cannot be revoked either"}
	storeUnusable    = ailment{"store_unusable", levelError, "do as the sentence says; docs/errors.md has more on it"}
	storeDamaged     = ailment{"store_damaged", levelError, "restore a backup with the server stopped, which moves the damaged store aside"}
	pepperUnusable   = ailment{"pepper_unusable", levelError, "put it back from its backup before the server is restarted, which would fail"}
	pepperWrong      = ailment{"pepper_wrong", levelError, "put the store's own pepper back before the server is restarted, which would fail"}
	pepperLeftOver   = ailment{"pepper_left_over", levelWarning, "remove them with caddy auth store pepper retire, once no backup needs them"}
	pepperDraft      = ailment{"pepper_draft", levelWarning, "delete it, or restart the server, which does"}
	pepperUnfinished = ailment{"pepper_unfinished", levelWarning, "revoke the keys that nobody uses, or refuse them all with caddy auth store pepper retire --force"}
	secretsBroken    = ailment{"secrets_file_broken", levelError, "mend the file; until then the server uses what it has read before, or does not start"}
	clockWrong       = ailment{"clock_wrong", levelError, "set the clock; until then keys begin and expire at the wrong time"}
	keyExpires       = ailment{"key_expires", levelWarning, "issue another key and hand it out, or let this one end; rotating it keeps its end"}
	importedUnused   = ailment{"imported_unused", levelWarning, "revoke the keys that nobody needs, and set passwords anew or delete the users; that saves each log-in a second hash"}
)

// of makes a finding of the kind.
func (a ailment) of(what string) finding { return finding{a.code, a.level, what, a.remedy} }

// checks in the order in which they report.
var checks = []check{
	checkConfigured, checkProxies, checkLogs, checkAdmin, checkInsecure, checkLogins, checkProviders, checkProviderLogins,
	checkFiles, checkSpace, checkPepper, checkSecretsFiles, checkProviderSecrets, checkStoreHealth, checkClock, checkKeys, checkImported,
}

// examination is what the checks look at.
type examination struct {
	ctx context.Context
	// config is nil if there is none to look at.
	config *examined
	// needsConfig: it is a fault if there is none.
	needsConfig bool
	// settings say where the files are. Without a pepper file it is not known.
	settings identity.Config
	// target is the store, nil if it cannot be used, which opening tells.
	target  *target
	opening error
	now     time.Time
	// freeSpace tells how much a file system has left, in bytes; known is false
	// where that cannot be asked.
	freeSpace func(path string) (free uint64, known bool, err error)
}

// check looks for some kinds of findings. The error is that the store cannot be
// used.
type check func(*examination) ([]finding, error)

// run runs all checks. One that cannot use the store is a finding, too, and keeps
// none of the others from looking.
func (e *examination) run() []finding {
	list := []finding{}
	for _, look := range checks {
		found, err := look(e)
		list = append(list, found...)
		if err == nil {
			continue
		}
		// Several checks may meet the same fault.
		if f := storeUnusable.of(err.Error()); !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return list
}
