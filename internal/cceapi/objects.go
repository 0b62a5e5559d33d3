package cceapi

import (
	"net/http"
	"slices"

	"github.com/sallyport/sallyport/internal/cscp"
)

// Objects makes the answer of GETALL:
//
//	{"status":201,"message":"OK","data":{"objects":{"2":{"OBJECT":{…},"Disk":{…}}}}}
//
// Objects and namespaces stand in the order in which they are added; those of
// sorted objects keep it. The zero value is of no use: see NewObjects.
type Objects struct {
	w   replyWriter
	oid cscp.OID
	// open says that the object of oid has been begun.
	open bool
}

// NewObjects begins an answer without objects.
func NewObjects(o Options) *Objects {
	b := &Objects{w: replyWriter{Options: o}}
	b.w.body = begin(make([]byte, 0, 4096), cscp.CodeOK, messageBuiltIn)
	b.w.body.openData()
	b.w.body.key("objects")
	b.w.body.open()
	return b
}

// Start begins an object. One to which nothing is added is not in the answer.
func (b *Objects) Start(oid cscp.OID) {
	b.finish()
	b.oid = oid
}

// Add adds the reply to a GET; the namespace is empty for the main one, which is
// written as OBJECT. A GET that has failed is left out: the object has gone, or
// has no such namespace. An error says that the reply cannot be read; the answer
// is spoilt then.
func (b *Objects) Add(namespace string, reply *cscp.Reply) error {
	if !reply.OK() {
		return nil
	}
	if !b.open {
		b.open = true
		b.w.body.key(b.oid.String())
		b.w.body.open()
	}
	if namespace == "" {
		namespace = "OBJECT"
	}
	// Thousands of objects are copied less often if the space doubles.
	if text := b.w.body.text; cap(text)-len(text) < reply.Size()+64 {
		b.w.body.text = slices.Grow(text, len(text)+reply.Size()+64)
	}
	b.w.body.key(namespace)
	b.w.read(reply)
	return b.w.properties()
}

func (b *Objects) finish() {
	if b.open {
		b.w.body.close()
	}
	b.open = false
}

// Size is how long the answer has become, in bytes.
func (b *Objects) Size() int { return len(b.w.body.text) }

// Answer is the whole. Nothing can be added afterwards.
func (b *Objects) Answer() *Answer {
	b.finish()
	b.w.body.close()
	b.w.body.closeData()
	a := b.w.body.answer(cscp.CodeOK)
	a.HTTPStatus = http.StatusOK
	return a
}
