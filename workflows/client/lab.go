package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Robot is a robot of a server, with its queue.
type Robot struct {
	Name     string   `json:"name"`
	Address  string   `json:"address"`
	Labels   []string `json:"labels"`
	Pipettes []string `json:"pipettes"` // when it was looked at last
	Run      string   `json:"run"`      // under way; empty where none is
	Queued   int      `json:"queued"`   // runs that wait for it alone
	Waiting  string   `json:"waiting"`  // why nothing is begun though something waits
	Paused   *Paused  `json:"paused"`   // why nothing is begun, whatever waits
}

// Paused is why a queue begins nothing.
type Paused struct {
	Why   string    `json:"why"`
	By    string    `json:"by"`    // empty: it is maintenance
	Until time.Time `json:"until"` // zero: somebody has to say so
}

// Schedule is a task that a server carries out by itself.
type Schedule struct {
	Name     string    `json:"name"`
	Task     string    `json:"task"`
	Cron     string    `json:"cron"`
	TimeZone string    `json:"time_zone"`
	Off      bool      `json:"off"`
	Next     time.Time `json:"next"`
	LastRun  string    `json:"last_run"`
	LeftOut  int       `json:"left_out"` // times that came to nothing since the server was started
	Problem  string    `json:"problem"`  // why the last time came to nothing
}

// Maintenance is a time in which a robot begins nothing.
type Maintenance struct {
	ID    int64     `json:"id,omitempty"`    // 0: the file of the lab says it
	Robot string    `json:"robot,omitempty"` // empty: all
	From  time.Time `json:"from,omitzero"`
	To    time.Time `json:"to"`
	Why   string    `json:"why,omitempty"`
	By    string    `json:"by,omitempty"`
}

// Maintenance asks for times in which nothing is begun, those that go on and those to come.
func (c *Client) Maintenance(ctx context.Context) ([]Maintenance, error) {
	var list struct{ Maintenance []Maintenance }
	err := c.ask(ctx, http.MethodGet, "/maintenance", nil, nil, &list)
	return list.Maintenance, err
}

// Maintain adds a time in which nothing is begun, from now on where From is zero.
func (c *Client) Maintain(ctx context.Context, m Maintenance) (*Maintenance, error) {
	got := &Maintenance{}
	return got, c.ask(ctx, http.MethodPost, "/maintenance", nil, m, got)
}

// MaintainNot takes a time back.
func (c *Client) MaintainNot(ctx context.Context, id int64) error {
	return c.ask(ctx, http.MethodDelete, "/maintenance/"+strconv.FormatInt(id, 10), nil, nil, nil)
}

// Robots asks for the robots and their queues.
func (c *Client) Robots(ctx context.Context) ([]Robot, error) {
	var list struct{ Robots []Robot }
	err := c.ask(ctx, http.MethodGet, "/robots", nil, nil, &list)
	return list.Robots, err
}

// PauseQueue has a robot begin nothing more; what is under way goes on.
func (c *Client) PauseQueue(ctx context.Context, robot, why, by string) (*Robot, error) {
	q := url.Values{}
	for name, value := range map[string]string{"why": why, "by": by} {
		if value != "" {
			q.Set(name, value)
		}
	}
	r := &Robot{}
	return r, c.ask(ctx, http.MethodPost, "/robots/"+url.PathEscape(robot)+"/pause?"+q.Encode(), nil, nil, r)
}

// ResumeQueue takes that back.
func (c *Client) ResumeQueue(ctx context.Context, robot string) (*Robot, error) {
	r := &Robot{}
	return r, c.ask(ctx, http.MethodPost, "/robots/"+url.PathEscape(robot)+"/resume", nil, nil, r)
}

// Schedules asks for what is carried out by itself.
func (c *Client) Schedules(ctx context.Context) ([]Schedule, error) {
	var list struct{ Schedules []Schedule }
	err := c.ask(ctx, http.MethodGet, "/schedules", nil, nil, &list)
	return list.Schedules, err
}
