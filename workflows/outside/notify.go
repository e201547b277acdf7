package outside

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/mail"
	"net/smtp"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// notify tells people something, by mail or by a webhook.
func (o *Outside) notify(ctx context.Context, l *program.Live) error {
	if to, isMail := strings.CutPrefix(l.To, "mailto:"); isMail {
		return o.mail(ctx, to, l.Message)
	}
	body, err := json.Marshal(map[string]string{"text": l.Message})
	if err != nil {
		return &run.Error{Kind: run.Rejected, Message: err.Error()}
	}
	r, err := newRequest(ctx, &program.Live{URL: l.To, Method: http.MethodPost, Body: string(body)})
	if err != nil {
		return &run.Error{Kind: run.Rejected, Message: err.Error() + ", or with mailto:"}
	}
	_, err = o.send(r)
	return err
}

// mail hands a message in at the mail server.
func (o *Outside) mail(ctx context.Context, to, message string) error {
	address, err := mail.ParseAddress(to)
	switch {
	case err != nil:
		return &run.Error{Kind: run.Rejected, Message: fmt.Sprintf("%q is no mail address", to)}
	case o.Mail.Server == "":
		return &run.Error{Kind: run.Rejected, Message: "no mail server is known; say which in OT2FLOW_MAIL, such as smtp://user:password@mail.example.org:587"}
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", o.Mail.Server)
	if err != nil {
		return &run.Error{Kind: run.Unreachable, Message: "the mail server " + o.Mail.Server + " cannot be reached", Err: err}
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // one that cannot be set is no reason to say nothing
	}
	if err := o.deliver(conn, address.Address, message); err != nil {
		return &run.Error{Kind: run.InDoubt, Message: "the mail server " + o.Mail.Server + " did not take the message: " + err.Error(), Err: err}
	}
	return nil
}

func (o *Outside) deliver(conn net.Conn, to, message string) error {
	host, _, err := net.SplitHostPort(o.Mail.Server)
	if err != nil {
		return err
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // Quit has said good-bye, or nothing was taken
	if ok, _ := c.Extension("STARTTLS"); ok {
		if err := c.StartTLS(tlsFor(host)); err != nil {
			return err
		}
	}
	if o.Mail.User != "" {
		if err := c.Auth(smtp.PlainAuth("", o.Mail.User, o.Mail.Password, host)); err != nil {
			return err
		}
	}
	if err := c.Mail(o.Mail.From); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(letter(o.Mail.From, to, message)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}

// letter is the message with its head. Its subject is its first line.
func letter(from, to, message string) []byte {
	subject, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	var b bytes.Buffer
	for _, h := range [][2]string{{"From", from}, {"To", to}, {"Subject", mime.QEncoding.Encode("utf-8", subject)}, {"MIME-Version", "1.0"}, {"Content-Type", "text/plain; charset=utf-8"}} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	b.WriteString(strings.ReplaceAll(strings.ReplaceAll(message, "\r\n", "\n"), "\n", "\r\n"))
	b.WriteString("\r\n")
	return b.Bytes()
}
