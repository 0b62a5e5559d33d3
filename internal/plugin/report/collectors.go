package report

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// Collectors makes collectors known to the registry of a configuration,
// ctx.GetMetricsRegistry(). Those that it knows already are no error: several
// modules of a configuration share the collectors of their package.
func Collectors(registry *prometheus.Registry, collectors ...prometheus.Collector) error {
	for _, one := range collectors {
		err := registry.Register(one)
		if _, already := errors.AsType[prometheus.AlreadyRegisteredError](err); err != nil && !already {
			return err
		}
	}
	return nil
}
