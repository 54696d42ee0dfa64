package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// ListNotifications gives the caller's bell.
func (h *handlers) ListNotifications(ctx context.Context, r ListNotificationsRequestObject) (ListNotificationsResponseObject, error) {
	caller := callerOf(ctx)
	page, err := page("notifications", r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Notifications(ctx, caller, r.Params.Unread, page)
	if err != nil {
		return nil, err
	}
	unread, err := h.store.Unread(ctx, caller)
	if err != nil {
		return nil, err
	}
	rows, next := cut("notifications", page, rows)
	lang := h.problems.texts.language(accepts(ctx))
	out := NotificationPage{Unread: unread, Data: each(rows, func(n postgres.NotificationRow) Notification { return h.notification(n, lang) }),
		HasMore: next != "", NextCursor: next}
	tag, err := contentTag(out)
	if err != nil {
		return nil, err
	}
	if r.Params.IfNoneMatch == tag {
		return ListNotifications304Response{Headers: ListNotifications304ResponseHeaders{ETag: tag}}, nil
	}
	return ListNotifications200JSONResponse{Body: out, Headers: ListNotifications200ResponseHeaders{ETag: tag}}, nil
}

// contentTag is the entity tag of what has no version of its own.
func contentTag(v any) (string, error) {
	raw, err := json.Marshal(v)
	sum := sha256.Sum256(raw)
	return `"` + hex.EncodeToString(sum[:12]) + `"`, err
}

func (h *handlers) notification(n postgres.NotificationRow, lang string) Notification {
	out := Notification{ID: n.ID, Kind: n.Kind, Topic: NotificationTopic(n.Topic), At: n.At.UTC(), ReadAt: moment(n.ReadAt), Case: text(n.CaseID),
		Reference: text(n.CaseReference), Task: text(n.TaskID), DueAt: moment(n.DueAt), Subject: n.Subject}
	w := h.words.In(lang)
	out.Text = w.Kind(n.Kind)
	var of []string
	if out.Reference != "" {
		of = append(of, out.Reference)
	}
	if n.TaskKind != nil {
		out.TaskKind = TaskKind(*n.TaskKind)
		of = append(of, w.Task(*n.TaskKind, text(n.Level)))
	}
	if len(of) > 0 {
		out.Text += ": " + strings.Join(of, " · ")
	}
	return out
}

// latest is behind every id of a notification.
const latest = string(aid.NotificationID) + "_~"

// ReadNotifications marks what the caller has seen.
func (h *handlers) ReadNotifications(ctx context.Context, r ReadNotificationsRequestObject) (ReadNotificationsResponseObject, error) {
	caller, upTo := callerOf(ctx), r.Body.UpTo
	if r.Body.All {
		upTo = latest
	}
	if err := h.store.ReadNotifications(ctx, caller, r.Body.Ids, upTo); err != nil {
		return nil, err
	}
	unread, err := h.store.Unread(ctx, caller)
	return ReadNotifications200JSONResponse{Body: Unread{Unread: unread}}, err
}

// GetNotificationSettings tells how the caller is told.
func (h *handlers) GetNotificationSettings(ctx context.Context, _ GetNotificationSettingsRequestObject) (GetNotificationSettingsResponseObject, error) {
	c, err := h.store.Contact(ctx, callerOf(ctx))
	return GetNotificationSettings200JSONResponse{Body: settings(c), Headers: GetNotificationSettings200ResponseHeaders{ETag: etag(c.Version)}}, err
}

// SetNotificationSettings keeps the caller's choices.
func (h *handlers) SetNotificationSettings(ctx context.Context, r SetNotificationSettingsRequestObject) (SetNotificationSettingsResponseObject, error) {
	b := r.Body
	said := postgres.Contact{Address: b.Address, Language: string(b.Language), Zone: b.Zone, DigestAt: b.DigestAt, Channels: map[aid.Topic]aid.Channel{}}
	for topic, channel := range map[aid.Topic]NotificationChannel{aid.TopicMine: b.Channels.Mine, aid.TopicEscalations: b.Channels.Escalations, aid.TopicTalk: b.Channels.Talk,
		aid.TopicOutcomes: b.Channels.Outcomes, aid.TopicDelegations: b.Channels.Delegations, aid.TopicWork: b.Channels.Work} {
		if channel != "" {
			said.Channels[topic] = aid.Channel(channel)
		}
	}
	c, err := h.store.SaveContact(ctx, callerOf(ctx), said, ifMatch(r.Params.IfMatch, true))
	if err != nil {
		return nil, err
	}
	return SetNotificationSettings200JSONResponse{Body: settings(c), Headers: SetNotificationSettings200ResponseHeaders{ETag: etag(c.Version)}}, nil
}

func settings(c postgres.Contact) NotificationSettings {
	in := func(t aid.Topic) NotificationChannel { return NotificationChannel(c.Channels[t]) }
	return NotificationSettings{Address: c.Address, Language: NotificationSettingsLanguage(c.Language), Zone: c.Zone, DigestAt: c.DigestAt,
		Channels: NotificationChannels{Mine: in(aid.TopicMine), Escalations: in(aid.TopicEscalations), Talk: in(aid.TopicTalk),
			Outcomes: in(aid.TopicOutcomes), Delegations: in(aid.TopicDelegations), Work: in(aid.TopicWork)}}
}
