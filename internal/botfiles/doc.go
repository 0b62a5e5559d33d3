// Package botfiles shows the files that bots write: what is in a folder, and the
// content of a file. It reads below one folder, the allowed path, and nowhere
// else, whatever a client asks for and whatever links the bots make there.
//
//	client's path → below the allowed path? → links resolved, still below? → opened below it
//
// Each file is opened in the open folder, so that a link that is put in place of a
// file or of a folder at the wrong moment leads nowhere. Only regular files are
// read, and a pipe is not waited for.
//
// The allowed path itself may be a link, or have links in it, of root or of the user
// of this process. Others may own the folders above it and are not trusted.
//
// Hard links and bind mounts below the allowed path are not told from files that
// were made there: whoever makes them has access to the file already, or is root.
package botfiles
