package oidcprovider

import (
	"net"
	"net/http"
	"time"
)

// Stop ends the server and all connections to it, as if the machine were down. Users,
// clients, keys and log-ins that have begun stay.
func (p *Provider) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		return
	}
	// That a connection was closed already matters to nobody.
	_ = p.server.Close()
	<-p.ended
	p.server = nil
}

// Resume serves again after Stop, on the same port. It fails if somebody else has taken
// that meanwhile.
func (p *Provider) Resume() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil {
		return nil
	}
	listener, err := net.Listen("tcp", p.address)
	if err != nil {
		return err
	}
	p.serve(listener)
	return nil
}

// serve begins to serve; Stop ends it. The caller holds mu, or is New.
func (p *Provider) serve(listener net.Listener) {
	server := &http.Server{Handler: p.handler, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	ended := make(chan struct{})
	p.server, p.ended = server, ended
	go func() {
		defer close(ended)
		// It always ends with an error, which says that it was closed.
		_ = server.Serve(listener)
	}()
}
