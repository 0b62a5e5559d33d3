// Package password knows what a password may be, what is kept of it, and how
// many hashes are computed at once.
//
// A password goes through Clean, whoever presents it: 1 to 1024 bytes of UTF-8,
// never cut, in the one form (NFC) that all keyboards agree on. Where one is
// set, a Policy holds it against a length and against what is guessed first; at
// log-in no policy counts, since what was set may be older than the policy.
//
// At rest there is an argon2id hash in PHC form, which carries its parameters:
//
//	$argon2id$v=19$m=19456,t=2,p=1$<16 bytes of salt>$<32 bytes of tag>
//
// One hash takes a core for tens of milliseconds and 19 MiB, so that a few
// hundred log-ins at once would take the whole machine. A Hasher therefore
// gives out turns, half as many as there are cores; who comes later waits in a
// queue of bounded length, for a bounded time, first come, first served:
//
//	turn, err := hasher.Reserve(ctx) // ErrBusy: answer 429
//	if err != nil {
//		return err
//	}
//	defer turn.Release()
//	ok, outdated, err := turn.Verify(stored, typed)
//
// Verify computes the same hashes whatever is stored, nothing and nonsense
// included. A caller that reserves a turn and verifies for unknown users too
// takes the same time for all of them, so that the time of an answer does not
// tell who has an account.
//
// Users who were imported from other software keep their passwords, of which
// there is a hash of PBKDF2 with its rounds:
//
//	$pbkdf2-sha256$i=100000$<16 bytes of salt>$<32 bytes of tag>
//
// It is outdated at once, so that the first log-in replaces it.
//
// The package imports neither Caddy nor net/http, and logs nothing. No error of
// it holds a password or a hash.
package password
