package plural

import "testing"

func TestOneIsOneAndTheRestAreMany(t *testing.T) {
	for n, want := range map[int]string{0: "0 keys", 1: "1 key", 2: "2 keys", 21: "21 keys"} {
		if got := Of(n, "key"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
