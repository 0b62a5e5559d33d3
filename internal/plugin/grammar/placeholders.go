package grammar

import (
	"fmt"

	"github.com/caddyserver/caddy/v2"
)

// Resolve replaces the placeholders of a setting, such as {env.X} and
// {file./path}. One that is unknown or empty is an error, which names the
// setting: an unset variable must not open a door.
func Resolve(setting, value string) (string, error) {
	resolved, err := caddy.NewReplacer().ReplaceOrErr(value, true, true)
	if err != nil {
		return "", fmt.Errorf("%s: %w", setting, err)
	}
	return resolved, nil
}
