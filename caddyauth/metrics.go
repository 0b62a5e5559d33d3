package caddyauth

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/report"
	"github.com/sallyport/sallyport/internal/principal"
)

// metrics are the collectors of this package. There is one set of them for the
// life of the process: each configuration has a registry of its own, and what
// was counted must not begin anew with a reload.
//
// Labels come from small closed sets; nothing that a client has sent is one.
var metrics = newCollectors()

const metricsNamespace, metricsSubsystem = "caddy", "caddyauth"

type collectors struct {
	checks, logins *prometheus.CounterVec
	brakes         *prometheus.CounterVec
	// providers are questions to other providers of identity.
	store, providers *prometheus.HistogramVec
	// checked holds the counters of checks, so that a request need not look them
	// up by their labels.
	checked map[checkLabels]prometheus.Counter
}

// checkLabels are the labels of a check: how the caller was, or wanted to be,
// authenticated, and what came of it.
type checkLabels struct{ method, result string }

// resultAccepted is the result of a check or log-in that was good. Otherwise it
// is the code of the refusal.
const resultAccepted = "accepted"

// methodNone stands for a request without a credential, or one that cannot be
// read.
const methodNone = "none"

func newCollectors() *collectors {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: metricsNamespace, Subsystem: metricsSubsystem, Name: name, Help: help}, labels)
	}
	c := &collectors{
		checks: counter("checks_total", "Requests that came to a gate, by kind of credential and result.", "method", "result"),
		logins: counter("logins_total", "Log-ins, by kind of credential and result.", "method", "result"),
		brakes: counter("brakes_total", "Passwords that were not looked at, by reason.", "reason"),
		store: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: metricsNamespace, Subsystem: metricsSubsystem, Name: "store_seconds",
			Help:    "How long the store took, by operation.",
			Buckets: []float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5},
		}, []string{"operation"}),
		providers: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: metricsNamespace, Subsystem: metricsSubsystem, Name: "provider_seconds",
			Help:    "How long other providers of identity took, by question and outcome.",
			Buckets: []float64{.01, .05, .1, .5, 1, 5, 10},
		}, []string{"question", "outcome"}),
		checked: map[checkLabels]prometheus.Counter{},
	}
	results := []string{
		resultAccepted, codeMissing, codeMalformed, codeInvalid, codeScope,
		codeAddress, codeSecret, codeCrossOrigin, codePlainHTTP, codeTooMany, codeUnavailable, codeImpersonation, codeUser, codeProvider,
	}
	for _, method := range append([]string{methodNone, principal.MethodClientSecret}, methods...) {
		for _, result := range results {
			c.checked[checkLabels{method, result}] = c.checks.WithLabelValues(method, result)
		}
	}
	return c
}

// register makes the collectors known to the registry of a configuration.
func (c *collectors) register(registry *prometheus.Registry) error {
	return report.Collectors(registry, c.checks, c.logins, c.brakes, c.store, c.providers, gauges{})
}

// countCheck counts what came of a request at a gate.
func (c *collectors) countCheck(method string, refused *refusal) {
	result := resultAccepted
	if refused != nil {
		result = refused.code
	}
	if counter, usual := c.checked[checkLabels{method, result}]; usual {
		counter.Inc()
		return
	}
	c.checks.WithLabelValues(method, result).Inc()
}

// countLogin counts what came of a log-in.
func (c *collectors) countLogin(method string, failed *failure) {
	result := resultAccepted
	if failed != nil {
		result = failed.Code
	}
	c.logins.WithLabelValues(method, result).Inc()
}

// countBrake counts a password that was not looked at.
func (c *collectors) countBrake(reason identity.Reason) {
	if isBrake(reason) {
		c.brakes.WithLabelValues(reason.String()).Inc()
	}
}

// observeStore notes how long the store took.
func (c *collectors) observeStore(operation string, took time.Duration) {
	c.store.WithLabelValues(operation).Observe(took.Seconds())
}

// observeProvider notes how a question to a provider of identity has ended.
func (c *collectors) observeProvider(question string, err error, took time.Duration) {
	outcome := "done"
	if err != nil {
		outcome = "failed"
	}
	c.providers.WithLabelValues(question, outcome).Observe(took.Seconds())
}

// gauges are told when they are asked for, from the stores that are open.
type gauges struct{}

// expiringWithin is how soon a key must expire to be counted.
const expiringWithin = 14 * 24 * time.Hour

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(metricsNamespace, metricsSubsystem, name), help, labels, nil)
}

var (
	hashesRunning = gauge("hashes_running", "Hashes of passwords that are being computed.")
	hashesQueued  = gauge("hashes_queued", "Hashes of passwords that wait to be computed.")
	hashesTotal   = gauge("hashes_total", "Hashes of passwords that were computed.")
	indexSize     = gauge("index_size", "Keys, revoked ones among them, and tokens in memory.", "kind")
	keysExpiring  = gauge("keys_expiring", "Keys that expire within 14 days.")
)

// Describe implements prometheus.Collector.
func (gauges) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{hashesRunning, hashesQueued, hashesTotal, indexSize, keysExpiring} {
		descriptions <- d
	}
}

// Collect implements prometheus.Collector.
func (gauges) Collect(out chan<- prometheus.Metric) {
	var running, queued, hashes, keys, tokens, expiring int
	directories.Range(func(_, value any) bool {
		d := value.(*directory)
		if r := d.current(); r != nil {
			busy := r.Hashing()
			running, queued, hashes = running+busy.Running, queued+busy.Queued, hashes+int(busy.Hashes)
		}
		if m := d.ready(); m != nil {
			k, t := m.Size()
			keys, tokens, expiring = keys+k, tokens+t, expiring+m.Expiring(expiringWithin)
		}
		return true
	})
	send := func(d *prometheus.Desc, kind prometheus.ValueType, value int, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, float64(value), labels...)
	}
	send(hashesRunning, prometheus.GaugeValue, running)
	send(hashesQueued, prometheus.GaugeValue, queued)
	send(hashesTotal, prometheus.CounterValue, hashes)
	send(indexSize, prometheus.GaugeValue, keys, "key")
	send(indexSize, prometheus.GaugeValue, tokens, "token")
	send(keysExpiring, prometheus.GaugeValue, expiring)
}

var _ prometheus.Collector = gauges{}
