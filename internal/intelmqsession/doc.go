// Package intelmqsession reads the users out of a session database of intelmq-api,
// the SQLite file that its configuration calls session_store:
//
//	CREATE TABLE version (version INTEGER);            -- one row: 1
//	CREATE TABLE session (session_id TEXT PRIMARY KEY, modified TIMESTAMP, data BLOB);
//	CREATE TABLE user (username TEXT PRIMARY KEY, password TEXT, salt TEXT);
//
// password is 64 hexadecimal digits, PBKDF2-HMAC-SHA256 with 100000 rounds over
// the password as UTF-8; salt is 32 hexadecimal digits, used as 16 bytes. Other
// programs may have the file open. It is never written to, and no file is made
// beside it. A file whose tables are not of plain columns is refused: those that
// compute their values could fill the memory from a few pages.
//
// Sessions are not read. Their tokens stand there in the clear, so whoever could
// read the file has them; they end with the program that gave them out.
package intelmqsession
