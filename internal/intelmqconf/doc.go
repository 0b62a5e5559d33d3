// Package intelmqconf reads and writes the files of IntelMQ's configuration that
// its manager shows and edits: runtime.yaml, positions.conf and
// harmonization.conf.
//
//	file → tree → compact JSON, with an ETag
//	JSON → tree → compared, merged into the file's own text, read back → file
//
// What is read is what IntelMQ's own reader makes of it: YAML 1.2 by the rules of
// ruamel.yaml, and JSON as Python writes it. Tags that would make Python run code
// are errors.
//
// go.yaml.in/yaml/v3 splits YAML into a tree that knows its lines and the text of
// each scalar; what a scalar is, and what is written, is decided here. It comes with
// Caddy, and is kept by the people who keep YAML.
//
// A save is there whole or not at all, and what was there stays in a .bak beside
// it. The lines that a save does not concern stay as they are, with their
// comments and in their order. It needs a lock around it, which is the caller's:
// nobody else may save into the same folder meanwhile.
//
// It knows neither HTTP nor the command that starts and stops bots.
package intelmqconf
