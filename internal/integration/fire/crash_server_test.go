package fire_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestAKilledServerKeepsItsWord kills a whole server, which issues and revokes keys
// and logs in and out at the same time, and asks the next one by HTTP.
func TestAKilledServerKeepsItsWord(t *testing.T) {
	random := rand.New(rand.NewPCG(seed(t), 0))
	s := newService(t)
	s.addAlice()
	var given holdings
	var longest time.Duration
	n := max(1, rounds(t)/20)
	for i := range n {
		burn(s, &given, i, time.Duration(random.IntN(300))*time.Millisecond)
		longest = max(longest, s.start())
		given.verify(s)
		db := openFile(t, s.dir)
		checkFile(t, db)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Fatalf("in round %d", i)
		}
		progressOfKills(t, i+1, n)
	}
	either := given.verify(s)
	if len(given.all) < n {
		t.Errorf("%d credentials were given in %d rounds: this proves nothing", len(given.all), n)
	}
	figure(t, "kill -9 of a whole server %d times: of %d keys and sessions it had given each was as the last acknowledged answer said; %d were being ended when it died; ready again in %d ms at most",
		n, len(given.all), either, longest.Milliseconds())
}

// burn lets clients work on a server, and kills it after a while.
func burn(s *service, given *holdings, round int, after time.Duration) {
	s.t.Helper()
	var killed atomic.Bool
	var clients sync.WaitGroup
	for i, work := range []func(*service, *holdings, string) error{comeAndGoByKey, comeAndGoByKey, comeAndGoByPassword} {
		clients.Go(func() {
			for step := 0; ; step++ {
				if err := work(s, given, fmt.Sprintf("r%d-c%d-s%d", round, i, step)); err != nil {
					if !killed.Load() {
						s.t.Error(err)
					}
					return
				}
			}
		})
	}
	time.Sleep(after)
	killed.Store(true)
	s.cut()
	clients.Wait()
}

// comeAndGoByKey issues a key, logs in by it, and ends one of three of both.
func comeAndGoByKey(s *service, given *holdings, name string) error {
	key, err := s.issue(name)
	if err != nil {
		return err
	}
	k := given.add("key "+name, key)
	switch k.number % 3 {
	case 0:
		return given.end(k, func() error { return s.revoke(name) })
	case 1:
		token, err := s.logIn(`"apikey":"` + name + ":" + key + `"`)
		if err != nil {
			return err
		}
		given.add("session by key "+name, token)
	}
	return s.present("key "+name, key, 200)
}

// comeAndGoByPassword logs in, and every second time out again.
func comeAndGoByPassword(s *service, given *holdings, name string) error {
	token, err := s.logIn(`"password":"` + passwordOf("alice") + `"`)
	if err != nil {
		return err
	}
	h := given.add("session "+name, token)
	if h.number%2 == 0 {
		return given.end(h, func() error { return s.logOut(token) })
	}
	return s.present("session "+name, token, 200)
}
