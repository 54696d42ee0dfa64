package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"
)

// How callbacks are retried: half a second, doubled up to a minute, for about
// a day. The receiver asks the rail anyway, so a lost hint costs only time.
const (
	callbackTimeout  = 10 * time.Second
	callbackBackoff  = 500 * time.Millisecond
	callbackMaxWait  = time.Minute
	callbackAttempts = 1500
	callbackParallel = 8
)

// callbackRound delivers one batch and stores what came of it. A kill in the
// middle delivers the batch again: at least once.
func (s *Server) callbackRound() (time.Time, error) {
	jobs, next, err := s.books.dueJobs(s.now())
	if err != nil || len(jobs) == 0 {
		return next, err
	}
	var mu sync.Mutex
	var done []string
	later := map[time.Time][]job{}
	var wg sync.WaitGroup
	slots := make(chan struct{}, callbackParallel)
	for place, j := range jobs {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			ok := s.deliver(j)
			mu.Lock()
			defer mu.Unlock()
			if at, again := s.retryAt(&j, ok); again {
				later[at] = append(later[at], j)
			}
			done = append(done, place)
		})
	}
	wg.Wait()
	if s.ctx.Err() != nil {
		return time.Time{}, nil // what was cut off by Close is delivered again after a restart
	}
	return s.now(), s.books.endJobs(done, later)
}

// retryAt says whether and when a job is tried again. A forged callback is
// never repeated: it is meant to be refused.
func (s *Server) retryAt(j *job, delivered bool) (time.Time, bool) {
	j.Attempts++
	if delivered || j.Forged {
		return time.Time{}, false
	}
	if j.Attempts >= callbackAttempts {
		s.cfg.Log.Warn("callback given up", "id", j.ID, "key", j.Key)
		return time.Time{}, false
	}
	wait := min(callbackBackoff<<min(j.Attempts-1, 10), callbackMaxWait)
	return s.now().Add(wait), true
}

// deliver sends one callback and reports whether it was taken with a 2xx.
func (s *Server) deliver(j job) bool {
	body, err := json.Marshal(callbackBody{Type: callbackType, Key: j.Key, State: j.State, Timestamp: j.At})
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(s.ctx, callbackTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.CallbackURL, bytes.NewReader(body))
	if err != nil {
		return false
	}
	secret := s.cfg.Secret
	if j.Forged {
		secret = "forged " + secret
	}
	req.Header = SignCallback(secret, j.ID, s.now(), body)
	res, err := s.http.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxBody))
	return res.StatusCode/100 == 2
}
