package robot_test

import (
	"net"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/ot2flow/ot2flow/ot2/robot"
)

// A printer and two robots answer, one of them twice and one without saying
// where it is; so does somebody who sends nonsense.
func TestNearby(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		n, from, err := conn.ReadFromUDP(buf)
		if err != nil {
			return
		}
		var q dnsmessage.Message
		if err := q.Unpack(buf[:n]); err != nil || len(q.Questions) != 1 || q.Questions[0].Name.String() != "_http._tcp.local." {
			t.Errorf("asked %v, %v", q.Questions, err)
		}
		one := announcement(t, "ot2-one", 31950, [4]byte{127, 0, 0, 9})
		for _, packet := range [][]byte{announcement(t, "printer", 80, [4]byte{127, 0, 0, 7}), []byte("nonsense"), one, one, announcement(t, "ot2-two", 31950, [4]byte{})} {
			if _, err := conn.WriteToUDP(packet, from); err != nil {
				t.Error(err)
			}
		}
	}()
	got, err := robot.Nearby(t.Context(), conn.LocalAddr().(*net.UDPAddr), 300*time.Millisecond)
	conn.Close()
	<-done
	want := []robot.Announced{{Name: "ot2-one", Address: "http://127.0.0.9:31950"}, {Name: "ot2-two", Address: "http://127.0.0.1:31950"}}
	if err != nil || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%v, %v", got, err)
	}
}

func announcement(t *testing.T, name string, port uint16, ip [4]byte) []byte {
	t.Helper()
	instance, host := dnsmessage.MustNewName(name+"._http._tcp.local."), dnsmessage.MustNewName(name+".local.")
	m := dnsmessage.Message{Header: dnsmessage.Header{Response: true}, Answers: []dnsmessage.Resource{
		{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("_http._tcp.local."), Class: dnsmessage.ClassINET}, Body: &dnsmessage.PTRResource{PTR: instance}},
	}, Additionals: []dnsmessage.Resource{
		{Header: dnsmessage.ResourceHeader{Name: instance, Class: dnsmessage.ClassINET}, Body: &dnsmessage.SRVResource{Port: port, Target: host}},
	}}
	if ip != [4]byte{} {
		m.Additionals = append(m.Additionals, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: host, Class: dnsmessage.ClassINET}, Body: &dnsmessage.AResource{A: ip}})
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
