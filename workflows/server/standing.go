package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// standing registers what is asked of the lab itself: its robots and their queues, times
// of maintenance, schedules.
func (s *Server) standing(api huma.API, op func(a access, method, path, id, tag, summary string, status ...int) huma.Operation) {
	const get, post, remove = http.MethodGet, http.MethodPost, http.MethodDelete
	const none, bad = http.StatusNotFound, http.StatusUnprocessableEntity
	viewer, operator, admin := access{role: service.Viewer}, access{role: service.Operator}, access{role: service.Admin}
	huma.Register(api, op(viewer, get, "/robots", "robots", "lab", "The robots, and what they do"), s.robots)
	huma.Register(api, op(viewer, get, "/robots/{robot}", "robot", "lab", "One robot", none), s.oneRobot)
	huma.Register(api, op(operator, post, "/robots/{robot}/pause", "pause-queue", "lab", "Begin nothing more on a robot until its queue is resumed; what is under way goes on", none, bad), s.pauseQueue)
	huma.Register(api, op(operator, post, "/robots/{robot}/resume", "resume-queue", "lab", "Let the queue of a robot go on", none), s.resumeQueue)
	huma.Register(api, op(viewer, get, "/maintenance", "maintenance", "lab", "Times in which nothing is begun"), s.maintenance)
	huma.Register(api, gives(op(admin, post, "/maintenance", "maintain", "lab", "Add a time in which nothing is begun", none, bad), http.StatusCreated), s.maintain)
	huma.Register(api, op(admin, remove, "/maintenance/{id}", "maintain-not", "lab", "Take a time of maintenance back", none), s.maintainNot)
	huma.Register(api, op(viewer, get, "/tasks/{task}/versions", "versions", "tasks", "The versions of a task that have been served, newest first", none), s.versions)
	huma.Register(api, op(viewer, get, "/versions/{hash}", "version", "tasks", "The files of a version", none), s.filesOf)
	huma.Register(api, op(viewer, get, "/schedules", "schedules", "lab", "Tasks that are carried out by themselves"), s.schedules)
}

type robotList struct {
	Robots []service.RobotView `json:"robots"`
}

func (s *Server) robots(ctx context.Context, _ *struct{}) (*one[robotList], error) {
	list, err := s.device.RobotViews(ctx)
	if err != nil {
		return nil, answered(err)
	}
	return &one[robotList]{Status: http.StatusOK, Body: robotList{list}}, nil
}

// ofRobot names a robot.
type ofRobot struct {
	Robot string `path:"robot" maxLength:"255"`
}

func (s *Server) oneRobot(ctx context.Context, i *ofRobot) (*one[service.RobotView], error) {
	list, err := s.device.RobotViews(ctx)
	if err != nil {
		return nil, answered(err)
	}
	for _, v := range list {
		if v.Name == i.Robot {
			return &one[service.RobotView]{Status: http.StatusOK, Body: v}, nil
		}
	}
	return nil, answered(s.device.NoRobot(i.Robot))
}

func (s *Server) pauseQueue(ctx context.Context, i *struct {
	Robot string `path:"robot" maxLength:"255"`
	Why   string `query:"why" maxLength:"255" doc:"For those who wait."`
	By    string `query:"by" maxLength:"255" doc:"Who asks."`
},
) (*one[service.RobotView], error) {
	who, err := behalf(ctx, i.By, "")
	if err != nil {
		return nil, err
	}
	if err := s.device.Pause(ctx, i.Robot, i.Why, who); err != nil {
		return nil, answered(err)
	}
	return s.oneRobot(ctx, &ofRobot{i.Robot})
}

func (s *Server) resumeQueue(ctx context.Context, i *ofRobot) (*one[service.RobotView], error) {
	if err := s.device.Continue(ctx, i.Robot); err != nil {
		return nil, answered(err)
	}
	return s.oneRobot(ctx, i)
}

type maintenanceList struct {
	Maintenance []service.Maintenance `json:"maintenance"`
}

func (s *Server) maintenance(context.Context, *struct{}) (*one[maintenanceList], error) {
	return &one[maintenanceList]{Status: http.StatusOK, Body: maintenanceList{s.device.Maintenances()}}, nil
}

func (s *Server) maintain(ctx context.Context, i *struct {
	Body struct {
		Robot string    `json:"robot,omitempty" maxLength:"255" doc:"The robot that it is about; all where none is named."`
		From  time.Time `json:"from,omitzero" doc:"Now where it is missing."`
		To    time.Time `json:"to"`
		Why   string    `json:"why,omitempty" maxLength:"255" doc:"For those who wait."`
		By    string    `json:"by,omitempty" maxLength:"255" doc:"Who asks."`
	}
},
) (*one[service.Maintenance], error) {
	who, err := behalf(ctx, i.Body.By, "")
	if err != nil {
		return nil, err
	}
	m := service.Maintenance{Robot: i.Body.Robot, From: i.Body.From, To: i.Body.To, Why: i.Body.Why, By: who.By}
	if m.From.IsZero() {
		m.From = time.Now()
	}
	m, err = s.device.Maintain(ctx, m)
	if err != nil {
		return nil, answered(err)
	}
	return &one[service.Maintenance]{Status: http.StatusCreated, Body: m}, nil
}

func (s *Server) maintainNot(ctx context.Context, i *struct {
	ID int64 `path:"id"`
},
) (*struct{}, error) {
	return nil, answered(s.device.MaintainNot(ctx, i.ID))
}

type scheduleList struct {
	Schedules []service.ScheduleView `json:"schedules"`
}

func (s *Server) schedules(context.Context, *struct{}) (*one[scheduleList], error) {
	return &one[scheduleList]{Status: http.StatusOK, Body: scheduleList{s.device.Schedules()}}, nil
}

type versionList struct {
	Versions []service.VersionView `json:"versions"`
}

func (s *Server) versions(ctx context.Context, i *struct {
	Task string `path:"task" maxLength:"255"`
},
) (*one[versionList], error) {
	list, err := s.device.Versions(ctx, i.Task)
	if err != nil {
		return nil, answered(err)
	}
	return &one[versionList]{Status: http.StatusOK, Body: versionList{list}}, nil
}

type fileList struct {
	Hash  string            `json:"hash"`
	Files map[string]string `json:"files" doc:"Their texts, by name."`
}

func (s *Server) filesOf(ctx context.Context, i *struct {
	Hash string `path:"hash" maxLength:"128"`
},
) (*one[fileList], error) {
	files, err := s.device.VersionFiles(ctx, i.Hash)
	if err != nil {
		return nil, answered(err)
	}
	return &one[fileList]{Status: http.StatusOK, Body: fileList{i.Hash, files}}, nil
}
