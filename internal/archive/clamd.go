package archive

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"time"
)

// clamd asks a ClamAV daemon by its protocol (man clamd, INSTREAM). Whatever
// it says that is not an answer is no answer: the file was not scanned.
type clamd struct {
	network, address string
}

// newClamd reads clamd://host:port, or clamd:///path for a socket.
func newClamd(address string) (*clamd, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "clamd":
		return nil, errors.New("a scanner is clamd://host:port or clamd:///path")
	case u.Host == "" && u.Path != "":
		return &clamd{"unix", u.Path}, nil
	case u.Port() != "" && strings.Trim(u.Path, "/") == "":
		return &clamd{"tcp", u.Host}, nil
	}
	return nil, errors.New("a scanner is clamd://host:port or clamd:///path")
}

// scan sends a file and gives the name of what was found in it; "" for
// nothing.
//
// Errors: everything but a clear answer.
func (c *clamd) scan(ctx context.Context, file io.Reader) (found string, err error) {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(ctx, c.network, c.address)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return "", err
	}
	sending := send(conn, file)
	answer, err := bufio.NewReader(io.LimitReader(conn, 4096)).ReadString(0)
	if err != nil { // it also hangs up on what it does not like, before the end
		return "", errors.Join(err, sending)
	}
	answer = strings.TrimRight(answer, "\x00")
	name, isFound := strings.CutSuffix(strings.TrimPrefix(answer, "stream: "), " FOUND")
	switch {
	case isFound && name != "":
		return name, nil
	case sending != nil:
		return "", sending
	case answer == "stream: OK":
		return "", nil
	}
	return "", errors.New("the scanner gave no verdict")
}

func send(conn io.Writer, file io.Reader) error {
	if _, err := io.WriteString(conn, "zINSTREAM\x00"); err != nil {
		return err
	}
	buffer := make([]byte, 4+64<<10)
	for {
		n, err := fill(file, buffer[4:])
		if err != nil {
			return err // without an end the daemon gives no verdict
		}
		binary.BigEndian.PutUint32(buffer, uint32(n)) // 0 is the end
		if _, err := conn.Write(buffer[:4+n]); err != nil || n == 0 {
			return err
		}
	}
}
