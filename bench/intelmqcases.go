package main

import (
	"net/http"
)

const (
	intelmqSite     = "intelmq"
	openIntelmqSite = "intelmq without log-in"
	heapSite        = "heap"
)

// Where the endpoint is, and its routes.
const (
	intelmqBase = "/intelmq"
	intelmqAPI  = intelmqBase + "/v1/api/"
)

// intelmqSites are the endpoint, and the same one without a log-in.
func intelmqSites(f *files) []site {
	endpoint := func(open bool) handler {
		return handler{
			"handler": "intelmq", "base": intelmqBase,
			"command": []string{f.intelmqctl()}, "config_dir": f.botnetConfig(),
			"allowed_path": f.botnet, "insecure_no_auth": open,
		}
	}
	return []site{
		{intelmqSite, []handler{endpoint(false)}},
		{openIntelmqSite, []handler{endpoint(true)}},
		{heapSite, []handler{{"handler": "heap"}}},
	}
}

// The bases of the endpoint's table.
const (
	toBare     = "bare `respond`"
	toGate     = "`respond` behind `token_auth`"
	whileQuiet = "the same while no command runs"
)

// cachedReads are comparisons of answers from memory. Each base gets the same
// requests as its case.
func cachedReads(f *files) []comparison {
	read := func(site, route, keys string) load {
		return load{site: site, path: intelmqAPI + route, keys: keys, status: http.StatusOK}
	}
	answer := func(site, keys string) load { return load{site: site, keys: keys, status: http.StatusOK} }
	return []comparison{
		{name: "cached read: version, key checked", base: answer(bareSite, f.good), test: read(intelmqSite, "version", f.good), promise: 0.80},
		{name: "cached read: queues, key checked", base: answer(bareSite, f.good), test: read(intelmqSite, "queues", f.good), promise: 0.80},
		{name: "cached read: queues, token checked", base: answer(bareSite, f.bare), test: read(intelmqSite, "queues", f.bare)},
		{name: "cached read: queues, key checked", base: answer(gateSite, f.good), test: read(intelmqSite, "queues", f.good)},
		{name: "cached read: queues, `insecure_no_auth`", base: answer(bareSite, ""), test: read(openIntelmqSite, "queues", ""), promise: 0.80},
	}
}

// besideFullQueue are requests to another site while all places of the queue are
// taken.
func besideFullQueue(f *files, m *meter) comparison {
	accepted := load{site: gateSite, keys: f.good, status: http.StatusOK}
	crowded := accepted
	crowded.beside = (&crowd{url: m.server.url(load{site: openIntelmqSite, path: intelmqAPI + "getlog"})}).begin
	return comparison{name: "key accepted on another site while the queue is full", base: accepted, test: crowded, promise: 0.45}
}
