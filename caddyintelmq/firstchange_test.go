package caddyintelmq_test

import (
	"testing"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

// TestTheFirstRequestMayBeAChange: where IntelMQ's folders are is not known then, and
// on this machine there are none where it has them by its own rules.
func TestTheFirstRequestMayBeAChange(t *testing.T) {
	botnet := intelmqctl.Start(t)
	s := caddyrun.Start(t, "http://:0 {\nintelmq {\ncommand "+botnet.Command+"\ninsecure_no_auth\n}\n}\n")
	if r := s.Get(t, "/v1/api/bot?action=start&id=csv-parser"); r.StatusCode != 200 || r.Text != "\"running\"\n" {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
}
