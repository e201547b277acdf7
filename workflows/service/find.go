package service

import (
	"context"
	"net"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/ot2/robot"
)

// Listen is how long robots have to answer to the question who is there.
const Listen = 2 * time.Second

// addressOf turns the name of a robot into its address. A bare name is asked for
// on the local network where the usual way of finding hosts does not know it.
func addressOf(ctx context.Context, name string) (string, error) {
	if strings.ContainsAny(name, ".:/[") || name == "localhost" {
		return name, nil
	}
	short, cancel := context.WithTimeout(ctx, Listen)
	defer cancel()
	if _, err := net.DefaultResolver.LookupHost(short, name); err == nil {
		return name, nil
	}
	announced, err := robot.Nearby(ctx, robot.Multicast(), Listen)
	if err != nil {
		return "", cannot("%v", err)
	}
	var names []string
	for _, r := range announced {
		if strings.EqualFold(r.Name, name) {
			return r.Address, nil
		}
		names = append(names, r.Name)
	}
	if len(names) > 0 {
		return "", cannot("there is no robot called %s; there are %s", name, strings.Join(names, ", "))
	}
	return "", cannot("no robot called %s answered; check that it is on and in this network, or write its address: --robot ADDRESS", name)
}
