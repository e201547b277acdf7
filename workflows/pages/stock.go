package pages

import (
	"net/http"

	"github.com/ot2flow/ot2flow/workflows/depict"
)

// stocked is a robot with what is known to stand on it.
type stocked struct {
	Name, Robot string
	Rows        [][4]string
}

// stock shows what stands on the robots between runs.
func (p *Pages) stock(r *http.Request) (*page, error) {
	list, err := p.o.Device.Service.Stocks(r.Context())
	if err != nil {
		return nil, err
	}
	var out []stocked
	for i := range list {
		out = append(out, stocked{list[i].Name, list[i].Robot, depict.Ledger(list[i].Ledger)})
	}
	return &page{Name: "stock", Title: "Stock", Data: out}, nil
}
