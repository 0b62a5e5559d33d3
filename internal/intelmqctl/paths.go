package intelmqctl

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// Installation is where IntelMQ has its files.
type Installation struct {
	// ConfigDir is the folder of the configuration, RuntimeFile is runtime.yaml.
	ConfigDir, RuntimeFile string
}

// runtimeName is the name of runtime.yaml.
const runtimeName = "runtime.yaml"

// ParsePaths reads what Paths prints. That is in the hands of IntelMQ's user, so
// that it may name no other file than runtime.yaml in its folder.
func ParsePaths(printed []byte) (Installation, error) {
	const command = "intelmqctl debug --get-paths"
	var said struct {
		Paths struct {
			ConfigDir   string `json:"CONFIG_DIR"`
			RuntimeFile string `json:"RUNTIME_CONF_FILE"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(printed, &said); err != nil {
		return Installation{}, fmt.Errorf("%s: %w", command, err)
	}
	folder, file := said.Paths.ConfigDir, said.Paths.RuntimeFile
	if strings.ContainsFunc(folder+file, unicode.IsControl) {
		return Installation{}, fmt.Errorf("%s: a path has control characters", command)
	}
	if !filepath.IsAbs(folder) || !filepath.IsAbs(file) {
		return Installation{}, fmt.Errorf("%s: CONFIG_DIR is '%s' and RUNTIME_CONF_FILE '%s'; they have to be whole paths", command, folder, file)
	}
	at := InstallationAt(filepath.Clean(folder))
	if filepath.Clean(file) != at.RuntimeFile {
		return Installation{}, fmt.Errorf("%s: RUNTIME_CONF_FILE is '%s'; it has to be '%s', in CONFIG_DIR", command, file, at.RuntimeFile)
	}
	return at, nil
}

// InstallationAt is one whose configuration is in a folder.
func InstallationAt(configDir string) Installation {
	return Installation{configDir, filepath.Join(configDir, runtimeName)}
}

// UsualInstallation is the one that IntelMQ takes where nothing is said: its
// library looks at these variables in the same order.
func UsualInstallation() Installation {
	switch {
	case os.Getenv("INTELMQ_PATHS_NO_OPT") != "":
		return InstallationAt("/etc/intelmq")
	case filepath.IsAbs(os.Getenv("INTELMQ_ROOT_DIR")):
		return InstallationAt(filepath.Join(os.Getenv("INTELMQ_ROOT_DIR"), "etc"))
	}
	return InstallationAt("/opt/intelmq/etc")
}
