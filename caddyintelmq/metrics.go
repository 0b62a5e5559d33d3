package caddyintelmq

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/internal/intelmqapi"
	"github.com/sallyport/sallyport/internal/intelmqctl"
	"github.com/sallyport/sallyport/internal/plugin/report"
	"github.com/sallyport/sallyport/internal/plugin/roster"
)

// metrics are the collectors of this package. There is one set of them for the
// life of the process, so that what was counted does not begin anew with a
// reload. Labels come from small closed sets; nothing that a client has sent is
// one.
var metrics = newCollectors()

const metricsNamespace, metricsSubsystem = "caddy", "intelmq"

type collectors struct {
	requests  *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	calls     *prometheus.CounterVec
	callTime  *prometheus.HistogramVec
	coalesced *prometheus.CounterVec
	cached    *prometheus.CounterVec
}

// callBuckets are seconds: a call of intelmqctl takes about one.
var callBuckets = []float64{.05, .1, .25, .5, 1, 2, 5, 10, 30, 120, 300}

func newCollectors() *collectors {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: metricsNamespace, Subsystem: metricsSubsystem, Name: name, Help: help,
		}, labels)
	}
	histogram := func(name, help string, buckets []float64, label string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: metricsNamespace, Subsystem: metricsSubsystem, Name: name, Help: help, Buckets: buckets,
		}, []string{label})
	}
	return &collectors{
		requests:  counter("requests_total", "Requests, by route and HTTP status.", "route", "status"),
		seconds:   histogram("request_seconds", "How long requests took, by route.", append([]float64{.0005, .001, .005, .01}, callBuckets...), "route"),
		calls:     counter("calls_total", "Calls of intelmqctl, by command and result.", "command", "result"),
		callTime:  histogram("call_seconds", "How long intelmqctl took, by command.", callBuckets, "command"),
		coalesced: counter("coalesced_total", "Requests that shared the call of another one, by command.", "command"),
		cached:    counter("cache_hits_total", "Requests that were answered from what was seen a moment ago, by command.", "command"),
	}
}

// register makes the collectors known to the registry of a configuration.
func (c *collectors) register(registry *prometheus.Registry) error {
	return report.Collectors(registry, c.requests, c.seconds, c.calls, c.callTime, c.coalesced, c.cached, gauges{})
}

// count counts a request and what came of it.
func (c *collectors) count(route intelmqapi.Route, status int, took time.Duration) {
	name := string(route)
	if name == "" {
		name = "none"
	}
	c.requests.WithLabelValues(name, strconv.Itoa(status)).Inc()
	c.seconds.WithLabelValues(name).Observe(took.Seconds())
}

// watch hears of the calls.
func (c *collectors) watch() intelmqctl.Watch {
	return intelmqctl.Watch{
		Finished: func(name, result string, took time.Duration) {
			c.calls.WithLabelValues(name, result).Inc()
			c.callTime.WithLabelValues(name).Observe(took.Seconds())
		},
		Refused:   func(name string, cause intelmqctl.Cause) { c.calls.WithLabelValues(name, string(cause)).Inc() },
		Coalesced: func(name string) { c.coalesced.WithLabelValues(name).Inc() },
		Hit:       func(name string) { c.cached.WithLabelValues(name).Inc() },
	}
}

// gauges are told when they are asked for.
type gauges struct{}

func describe(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(metricsNamespace, metricsSubsystem, name), help, nil, nil)
}

var (
	callsWaiting = describe("calls_waiting", "Calls that wait for their turn.")
	callsRunning = describe("calls_running", "Calls that run.")
	callsStuck   = describe("calls_stuck", "Calls that were told to end and have not.")
)

// Describe implements prometheus.Collector.
func (gauges) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{callsWaiting, callsRunning, callsStuck} {
		descriptions <- d
	}
}

// Collect implements prometheus.Collector.
func (gauges) Collect(out chan<- prometheus.Metric) {
	var waiting, running, stuck int
	for _, d := range roster.Shares[*desk](desks) {
		s := d.client.State()
		waiting, running, stuck = waiting+s.Waiting, running+s.Running, stuck+len(s.Stuck)
	}
	send := func(d *prometheus.Desc, value int) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value))
	}
	send(callsWaiting, waiting)
	send(callsRunning, running)
	send(callsStuck, stuck)
}

var _ prometheus.Collector = gauges{}
