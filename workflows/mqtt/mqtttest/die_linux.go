package mqtttest

import (
	"os/exec"
	"syscall"
)

// dieWithUs has a program end with the thread that starts it.
func dieWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
