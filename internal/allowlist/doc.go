// Package allowlist knows which addresses may ask, and what each of them has to
// present: a list of networks, each entry with a secret of its own.
//
// The secrets are in a file, one a line, which people and programs may edit:
//
//	# office
//	191.89.131.84/32:3kQ…
//	2001:db8::/64:sha256$<salt>$<hexadecimal digest>
//
// A line is split at its last colon, since IPv6 addresses have colons. Entries
// are the same if they mean the same addresses, however they are written.
// Comments, empty lines, the order and the lines of entries that are on no list
// stay as they are when the file is changed.
//
// A List finds the entry of an address. A File reads the secrets, makes those
// that are missing, follows edits, and answers whether a caller may pass:
//
//	file.Open(ctx, list.Entries())
//	if i, listed := list.Find(address); listed {
//		verdict, wait := file.Admit(list.Entries()[i].Prefix, address, presented, limit)
//	}
//
// An edit that cannot be understood changes nothing: the secrets that were read
// last stay in force, and Problem says what is wrong. Secrets are never in an
// error; a line is named by its number.
//
// The package knows neither HTTP nor Caddy.
package allowlist
