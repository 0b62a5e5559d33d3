package caddycce

// PoolUse counts the connections to cced of all endpoints: those that are open,
// and those of them that nobody uses.
func PoolUse() (open, idle int) {
	desks.Range(func(_, value any) bool {
		s := value.(*desk).pool.Stats()
		open, idle = open+s.Open, idle+s.Idle
		return true
	})
	return open, idle
}
