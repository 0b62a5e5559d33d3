package caddycce

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/plugin/report"
	"github.com/sallyport/sallyport/internal/plugin/roster"
)

// metrics are the collectors of this package. There is one set of them for the
// life of the process, so that what was counted does not begin anew with a
// reload. Labels come from small closed sets; nothing that a client has sent is
// one.
var metrics = newCollectors()

const metricsNamespace, metricsSubsystem = "caddy", "cce"

type collectors struct {
	commands *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	brakes   prometheus.Counter
	// known holds those of each counted that has come, so that a request need not
	// look them up by their labels.
	known sync.Map
}

// counted are the labels of a request.
type counted struct{ command, result string }

// meters are what counts requests of the same labels.
type meters struct {
	commands prometheus.Counter
	seconds  prometheus.Observer
}

func newCollectors() *collectors {
	return &collectors{
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: metricsNamespace, Subsystem: metricsSubsystem, Name: "commands_total",
			Help: "Requests, by command and result.",
		}, []string{"command", "result"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: metricsNamespace, Subsystem: metricsSubsystem, Name: "command_seconds",
			Help:    "How long requests took, by command.",
			Buckets: []float64{.0005, .001, .005, .01, .05, .1, .5, 1, 5, 30, 120},
		}, []string{"command"}),
		brakes: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: metricsNamespace, Subsystem: metricsSubsystem, Name: "brakes_total",
			Help: "Log-ins that were not looked at, after too many failures.",
		}),
	}
}

// register makes the collectors known to the registry of a configuration.
func (c *collectors) register(registry *prometheus.Registry) error {
	return report.Collectors(registry, c.commands, c.seconds, c.brakes, gauges{})
}

// count counts a request and what came of it.
func (c *collectors) count(word string, answer *cceapi.Answer, took time.Duration) {
	key := counted{word, resultOf(answer.HTTPStatus)}
	found, known := c.known.Load(key)
	if !known {
		found, _ = c.known.LoadOrStore(key, &meters{
			c.commands.WithLabelValues(key.command, key.result), c.seconds.WithLabelValues(key.command),
		})
	}
	m := found.(*meters)
	m.commands.Inc()
	m.seconds.Observe(took.Seconds())
}

// braked counts a log-in that was not looked at.
func (c *collectors) braked() { c.brakes.Inc() }

// results are the results of requests by HTTP status.
var results = map[int]string{
	400: "bad_command", 401: "not_logged_in", 403: "denied", 404: "not_found", 409: "rolled_back",
	422: "bad_data", 429: "braked", 502: "unreachable", 503: "unavailable", 504: "timeout",
}

func resultOf(status int) string {
	result, known := results[status]
	switch {
	case known:
		return result
	case status < 300:
		return "ok"
	case status < 500:
		return "bad_request"
	}
	return "failed"
}

// gauges are told when they are asked for.
type gauges struct{}

func describe(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(metricsNamespace, metricsSubsystem, name), help, nil, nil)
}

var (
	connectionsOpen  = describe("connections_open", "Connections to cced.")
	connectionsIdle  = describe("connections_idle", "Those of them that nobody uses.")
	connectionsTotal = describe("connections_total", "Connections that were made to cced.")
	callersWaiting   = describe("callers_waiting", "Requests that wait for a connection.")
	tokensOpen       = describe("tokens", "Tokens that are good.")
	transactionsOpen = describe("transactions", "Transactions that are open.")
)

// Describe implements prometheus.Collector.
func (gauges) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{connectionsOpen, connectionsIdle, connectionsTotal, callersWaiting, tokensOpen, transactionsOpen} {
		descriptions <- d
	}
}

// Collect implements prometheus.Collector.
func (gauges) Collect(out chan<- prometheus.Metric) {
	var open, idle, dialled, waiting, tokens, transactions int
	for _, d := range roster.Shares[*desk](desks) {
		s := d.pool.Stats()
		open, idle, dialled, waiting = open+s.Open, idle+s.Idle, dialled+int(s.Dialled), waiting+s.Waiting
		tokens, transactions = tokens+d.tokens.Len(), transactions+d.queues.Len()
	}
	send := func(d *prometheus.Desc, kind prometheus.ValueType, value int) {
		out <- prometheus.MustNewConstMetric(d, kind, float64(value))
	}
	send(connectionsOpen, prometheus.GaugeValue, open)
	send(connectionsIdle, prometheus.GaugeValue, idle)
	send(connectionsTotal, prometheus.CounterValue, dialled)
	send(callersWaiting, prometheus.GaugeValue, waiting)
	send(tokensOpen, prometheus.GaugeValue, tokens)
	send(transactionsOpen, prometheus.GaugeValue, transactions)
}

var _ prometheus.Collector = gauges{}
