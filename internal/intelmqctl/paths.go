package intelmqctl

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Installation is where IntelMQ has its files.
type Installation struct {
	// ConfigDir is the folder of the configuration, RuntimeFile is runtime.yaml.
	ConfigDir, RuntimeFile string
}

// ParsePaths reads what Paths prints.
func ParsePaths(printed []byte) (Installation, error) {
	var said struct {
		Paths struct {
			ConfigDir   string `json:"CONFIG_DIR"`
			RuntimeFile string `json:"RUNTIME_CONF_FILE"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(printed, &said); err != nil {
		return Installation{}, fmt.Errorf("intelmqctl debug --get-paths: %w", err)
	}
	at := Installation{said.Paths.ConfigDir, said.Paths.RuntimeFile}
	if !filepath.IsAbs(at.ConfigDir) || !filepath.IsAbs(at.RuntimeFile) {
		return Installation{}, fmt.Errorf("intelmqctl debug --get-paths: CONFIG_DIR is '%s' and RUNTIME_CONF_FILE '%s'; they have to be whole paths", at.ConfigDir, at.RuntimeFile)
	}
	at.ConfigDir = filepath.Clean(at.ConfigDir)
	return at, nil
}

// InstallationAt is one whose configuration is in a folder.
func InstallationAt(configDir string) Installation {
	return Installation{configDir, filepath.Join(configDir, "runtime.yaml")}
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
