-- +goose Up
-- What every table and column means, for whoever looks at the database.

COMMENT ON TABLE areas IS 'Administrative areas, today''s and former ones.';
COMMENT ON COLUMN areas.code IS 'Official or local code.';
COMMENT ON COLUMN areas.name IS 'Name for people.';
COMMENT ON COLUMN areas.level IS 'Name of the level, such as commune or province; never a depth.';
COMMENT ON COLUMN areas.parent IS 'Area one level up; none at the top.';
COMMENT ON COLUMN areas.valid_from IS 'First date on which the area exists.';
COMMENT ON COLUMN areas.valid_to IS 'First date on which it no longer exists; none while it does.';

COMMENT ON TABLE partners IS 'Partner portals that submit requests. Never deleted.';
COMMENT ON COLUMN partners.id IS 'Id par_.';
COMMENT ON COLUMN partners.code IS 'Short name for people, such as portal1.';
COMMENT ON COLUMN partners.name IS 'Name for people.';
COMMENT ON COLUMN partners.area IS 'The partner submits for this area and everything below it.';
COMMENT ON COLUMN partners.created_at IS 'When it was added.';
COMMENT ON COLUMN partners.ended_at IS 'When the partnership ended; its keys are then refused.';

COMMENT ON TABLE partner_keys IS 'API keys of partners, as keyed hashes.';
COMMENT ON COLUMN partner_keys.id IS 'Id key_.';
COMMENT ON COLUMN partner_keys.partner_id IS 'Whose key it is.';
COMMENT ON COLUMN partner_keys.key_hash IS 'Keyed hash of the key; the key itself was shown once.';
COMMENT ON COLUMN partner_keys.mode IS 'test or live; must be the deployment''s own.';
COMMENT ON COLUMN partner_keys.scopes IS 'What the key may do.';
COMMENT ON COLUMN partner_keys.created_at IS 'When it was made.';
COMMENT ON COLUMN partner_keys.expires_at IS 'From when on it is refused; none for never.';
COMMENT ON COLUMN partner_keys.revoked_at IS 'When it was revoked; none while in force.';

COMMENT ON TABLE staff IS 'Members of staff. The token of the identity provider gives the subject only; everything else is here.';
COMMENT ON COLUMN staff.subject IS 'Subject of the identity provider''s token.';
COMMENT ON COLUMN staff.name IS 'Name for colleagues.';
COMMENT ON COLUMN staff.created_at IS 'When the person was added.';
COMMENT ON COLUMN staff.disabled_at IS 'When the person lost access; none while active.';

COMMENT ON TABLE staff_roles IS 'Roles of staff, each in an area and everything below it.';
COMMENT ON COLUMN staff_roles.subject IS 'Who.';
COMMENT ON COLUMN staff_roles.role IS 'What the person may do.';
COMMENT ON COLUMN staff_roles.area IS 'Where, with everything below.';
COMMENT ON COLUMN staff_roles.level IS 'Level at which an approver decides; empty for other roles.';
COMMENT ON COLUMN staff_roles.committee IS 'The approver sits on the level''s committee.';
COMMENT ON COLUMN staff_roles.chair IS 'The approver chairs it.';

COMMENT ON TABLE calendars IS 'Working calendars; holidays may be edited at any time.';
COMMENT ON COLUMN calendars.code IS 'Name by which programmes refer to it.';
COMMENT ON COLUMN calendars.definition IS 'Zone, shifts of the week and holidays.';

COMMENT ON TABLE programmes IS 'Published versions of programmes. A version never changes: cases are pinned to it.';
COMMENT ON COLUMN programmes.code IS 'Kind of support, such as housing_new.';
COMMENT ON COLUMN programmes.version IS 'Version, from 1.';
COMMENT ON COLUMN programmes.definition IS 'The whole definition as JSON.';
COMMENT ON COLUMN programmes.published_at IS 'When it was published.';
COMMENT ON COLUMN programmes.closed_at IS 'Since when it takes no new cases; none while open.';

COMMENT ON TABLE persons IS 'People who apply for aid. Identity is the keyed hash of the national id.';
COMMENT ON COLUMN persons.id IS 'Id per_.';
COMMENT ON COLUMN persons.national_id_hash IS 'Keyed hash of the national id; none for people without one.';
COMMENT ON COLUMN persons.sealed IS 'What was known when the person first applied, encrypted.';
COMMENT ON COLUMN persons.created_at IS 'When the person first applied.';

COMMENT ON TABLE households IS 'Households, of the register or named by a request.';
COMMENT ON COLUMN households.id IS 'Id hh_.';
COMMENT ON COLUMN households.code IS 'Code of the register.';
COMMENT ON COLUMN households.area IS 'Where it lives.';
COMMENT ON COLUMN households.classification IS 'Class of the last review: poor, near_poor, other; none when never reviewed.';
COMMENT ON COLUMN households.registered IS 'On the register, not only named by a request.';
COMMENT ON COLUMN households.created_at IS 'When it was first seen.';

COMMENT ON TABLE household_members IS 'Who belongs to a registered household.';
COMMENT ON COLUMN household_members.household_id IS 'The household.';
COMMENT ON COLUMN household_members.national_id_hash IS 'Keyed hash of the member''s national id.';

COMMENT ON TABLE payee_accounts IS 'Where money is to go. A change makes a new row, so that an approval binds what it saw.';
COMMENT ON COLUMN payee_accounts.id IS 'Id acc_.';
COMMENT ON COLUMN payee_accounts.kind IS 'Who the payee is, such as household or hospital.';
COMMENT ON COLUMN payee_accounts.method IS 'bank or cash.';
COMMENT ON COLUMN payee_accounts.account_hash IS 'Keyed hash of kind, method, bank, number and name; approvals bind it.';
COMMENT ON COLUMN payee_accounts.sealed IS 'Bank, account number and name, encrypted.';
COMMENT ON COLUMN payee_accounts.created_at IS 'When it was stated.';

COMMENT ON TABLE reference_counters IS 'Last number given to a case in a year; locked until commit, so that there are no gaps.';
COMMENT ON COLUMN reference_counters.programme IS 'Which series; * is the one for all programmes.';
COMMENT ON COLUMN reference_counters.year IS 'Year in the programme''s time zone.';
COMMENT ON COLUMN reference_counters.last IS 'Number given last.';

COMMENT ON TABLE cases IS 'Support requests through their whole life: facts in clear, everything personal sealed.';
COMMENT ON COLUMN cases.id IS 'Id case_.';
COMMENT ON COLUMN cases.reference IS 'Number for people and paper, such as HS-2026-000001; given at submit.';
COMMENT ON COLUMN cases.partner_id IS 'Partner that submitted it.';
COMMENT ON COLUMN cases.external_id IS 'The partner''s own number; empty when it gave none.';
COMMENT ON COLUMN cases.submitted_by IS 'Who at the partner submitted it, as the partner says.';
COMMENT ON COLUMN cases.programme IS 'Programme.';
COMMENT ON COLUMN cases.programme_version IS 'Version of the programme that the case is pinned to.';
COMMENT ON COLUMN cases.area IS 'Where the household lives.';
COMMENT ON COLUMN cases.person_id IS 'The applicant.';
COMMENT ON COLUMN cases.household_id IS 'The household; none when the request names none.';
COMMENT ON COLUMN cases.payee_account_id IS 'Where money is to go; none in an incomplete draft.';
COMMENT ON COLUMN cases.status IS 'What the case is, in the words of the API.';
COMMENT ON COLUMN cases.stage IS 'Part of the process in which it is.';
COMMENT ON COLUMN cases.round IS 'Rises when the case is reopened.';
COMMENT ON COLUMN cases.review IS 'Rises with every answer to a return within a round.';
COMMENT ON COLUMN cases.returns IS 'How often it was returned to the partner.';
COMMENT ON COLUMN cases.urgent IS 'Comes first in inboxes and on waiting lists.';
COMMENT ON COLUMN cases.parked IS 'Nobody can decide; an administrator was called.';
COMMENT ON COLUMN cases.withdrawal_asked IS 'Withdrawn while a payment is on its way; takes effect at its outcome.';
COMMENT ON COLUMN cases.requested_amount IS 'Asked for, in minor units; 0 in an incomplete draft.';
COMMENT ON COLUMN cases.amount IS 'What the approvals so far come to, in minor units; none before the first.';
COMMENT ON COLUMN cases.currency IS 'ISO 4217.';
COMMENT ON COLUMN cases.fund_id IS 'Fund that pays; none before approval.';
COMMENT ON COLUMN cases.reason_code IS 'Why it ended, when it was rejected or withdrawn.';
COMMENT ON COLUMN cases.workflow_id IS 'Workflow that moves the case now.';
COMMENT ON COLUMN cases.sealed IS 'Applicant, household members, answers and consent, encrypted.';
COMMENT ON COLUMN cases.tracking_hash IS 'Keyed hash of the token of the household''s status page.';
COMMENT ON COLUMN cases.clock_offset IS 'How far the case''s clock is ahead of the wall; above 0 in test deployments only.';
COMMENT ON COLUMN cases.version IS 'Rises with every change; the ETag.';
COMMENT ON COLUMN cases.created_at IS 'When it was first saved.';
COMMENT ON COLUMN cases.submitted_at IS 'When it was submitted; none for drafts.';
COMMENT ON COLUMN cases.decided_at IS 'When the last level approved.';
COMMENT ON COLUMN cases.started_paying_at IS 'When the first payment was instructed.';
COMMENT ON COLUMN cases.paid_at IS 'When the last tranche was settled or skipped.';
COMMENT ON COLUMN cases.closed_at IS 'When it ended.';
COMMENT ON COLUMN cases.updated_at IS 'When it last changed.';

COMMENT ON TABLE case_words IS 'Keyed hashes by which a case is found: words of the applicant''s name, id number, phone.';
COMMENT ON COLUMN case_words.word_hash IS 'Keyed hash of one word or number.';
COMMENT ON COLUMN case_words.case_id IS 'The case.';

COMMENT ON TABLE case_documents IS 'Papers that the partner lists: what, dated when, and where they are.';
COMMENT ON COLUMN case_documents.id IS 'Id doc_.';
COMMENT ON COLUMN case_documents.case_id IS 'The case.';
COMMENT ON COLUMN case_documents.kind IS 'Kind of document in the programme''s words.';
COMMENT ON COLUMN case_documents.dated IS 'Date on the paper.';
COMMENT ON COLUMN case_documents.sealed IS 'Title and whereabouts, encrypted.';
COMMENT ON COLUMN case_documents.state IS 'listed, accepted, rejected, or replaced by another of its kind.';
COMMENT ON COLUMN case_documents.reason IS 'Code of a rejection.';
COMMENT ON COLUMN case_documents.listed_at IS 'When it was listed.';

COMMENT ON TABLE case_checks IS 'What the automated checks found, for each review.';
COMMENT ON COLUMN case_checks.case_id IS 'The case.';
COMMENT ON COLUMN case_checks.round IS 'Round of the case.';
COMMENT ON COLUMN case_checks.review IS 'Review within the round.';
COMMENT ON COLUMN case_checks.kind IS 'Which check.';
COMMENT ON COLUMN case_checks.passed IS 'Nothing to look at.';
COMMENT ON COLUMN case_checks.codes IS 'What was found, as codes.';
COMMENT ON COLUMN case_checks.detail IS 'Codes and counts, nothing personal.';
COMMENT ON COLUMN case_checks.checked_at IS 'When it was checked.';

COMMENT ON TABLE workflows IS 'Workflows that cases need. A row without started_at is started by the sweep.';
COMMENT ON COLUMN workflows.id IS 'Workflow id, such as case/<id>/<round>.';
COMMENT ON COLUMN workflows.case_id IS 'The case.';
COMMENT ON COLUMN workflows.kind IS 'case, disbursement or followup.';
COMMENT ON COLUMN workflows.input IS 'Input of the workflow: ids only.';
COMMENT ON COLUMN workflows.wanted_at IS 'When it became necessary.';
COMMENT ON COLUMN workflows.started_at IS 'When the engine had it.';
COMMENT ON COLUMN workflows.ended_at IS 'When it had nothing more to do.';
COMMENT ON COLUMN workflows.attend_at IS 'Next instant at which it wants to wake up.';

COMMENT ON TABLE transitions IS 'The outcome of every step of every workflow: a step made twice has one effect. Insert-only.';
COMMENT ON COLUMN transitions.workflow_id IS 'The workflow.';
COMMENT ON COLUMN transitions.cause IS 'What made the step necessary: the id of a decision, or the name of what the workflow does by itself.';
COMMENT ON COLUMN transitions.seq IS 'The workflow''s own running number of the step: its order, not its identity.';
COMMENT ON COLUMN transitions.name IS 'What the step does.';
COMMENT ON COLUMN transitions.outcome IS 'The answer that a repeated step gets.';
COMMENT ON COLUMN transitions.at IS 'When it was made, on the case''s clock.';

COMMENT ON TABLE tasks IS 'Work that waits for a person.';
COMMENT ON COLUMN tasks.id IS 'Id task_.';
COMMENT ON COLUMN tasks.case_id IS 'The case.';
COMMENT ON COLUMN tasks.workflow_id IS 'Workflow that waits for it.';
COMMENT ON COLUMN tasks.kind IS 'Sort of work; decides role and actions.';
COMMENT ON COLUMN tasks.stage IS 'Stage of the case when it was opened.';
COMMENT ON COLUMN tasks.round IS 'Round of the case.';
COMMENT ON COLUMN tasks.review IS 'Review within the round.';
COMMENT ON COLUMN tasks.level IS 'Approval level; empty for other kinds.';
COMMENT ON COLUMN tasks.subject IS 'Tranche, payment or visit that it is about.';
COMMENT ON COLUMN tasks.duty IS 'Duty of the four-eyes rule that deciding it takes; empty for none.';
COMMENT ON COLUMN tasks.rule IS 'The level or rule that brought it.';
COMMENT ON COLUMN tasks.area IS 'Where it is to be decided.';
COMMENT ON COLUMN tasks.programme IS 'Programme of the case, for lists.';
COMMENT ON COLUMN tasks.urgent IS 'Copied from the case, for lists.';
COMMENT ON COLUMN tasks.state IS 'open, claimed, done, void or replaced.';
COMMENT ON COLUMN tasks.assignee IS 'Who has claimed it.';
COMMENT ON COLUMN tasks.claimed_at IS 'When it was claimed.';
COMMENT ON COLUMN tasks.opened_at IS 'When it was opened, on the case''s clock.';
COMMENT ON COLUMN tasks.due_at IS 'Deadline; none without one.';
COMMENT ON COLUMN tasks.alarms IS 'Instants of reminders, rising; the last is the breach.';
COMMENT ON COLUMN tasks.attend_at IS 'The next alarm.';
COMMENT ON COLUMN tasks.warned_at IS 'When the first reminder went out.';
COMMENT ON COLUMN tasks.breached_at IS 'When the deadline had passed.';
COMMENT ON COLUMN tasks.closed_at IS 'When it was closed.';
COMMENT ON COLUMN tasks.outcome IS 'What it came to.';
COMMENT ON COLUMN tasks.version IS 'Rises with every change; the ETag.';

COMMENT ON TABLE decisions IS 'What people decided, first as an intent, then applied, refused or expired.';
COMMENT ON COLUMN decisions.id IS 'Id dec_; also the id of the workflow update.';
COMMENT ON COLUMN decisions.task_id IS 'The task.';
COMMENT ON COLUMN decisions.case_id IS 'The case.';
COMMENT ON COLUMN decisions.actor IS 'Staff subject or partner id.';
COMMENT ON COLUMN decisions.action IS 'What was decided.';
COMMENT ON COLUMN decisions.reason_code IS 'Why, as a code.';
COMMENT ON COLUMN decisions.amount IS 'Amount that an approval binds, in minor units.';
COMMENT ON COLUMN decisions.bound_hash IS 'Hash of payee, account, fund and currency that an approval binds.';
COMMENT ON COLUMN decisions.sealed IS 'Note and data, encrypted.';
COMMENT ON COLUMN decisions.task_version IS 'Version of the task that the person saw.';
COMMENT ON COLUMN decisions.state IS 'intent, applied, refused or expired.';
COMMENT ON COLUMN decisions.refusal IS 'Code of the refusal.';
COMMENT ON COLUMN decisions.refusal_kind IS 'Kind of the refusal.';
COMMENT ON COLUMN decisions.outcome IS 'What the decision led to.';
COMMENT ON COLUMN decisions.asked_at IS 'When it was asked for, on the wall clock.';
COMMENT ON COLUMN decisions.decided_at IS 'When it was applied, on the case''s clock.';

COMMENT ON TABLE case_duties IS 'Four eyes: one exclusive duty per person and case, kept by the primary key. Insert-only.';
COMMENT ON COLUMN case_duties.case_id IS 'The case.';
COMMENT ON COLUMN case_duties.person IS 'Who.';
COMMENT ON COLUMN case_duties.duty IS 'verify, approve:<level>, pay, release or hear.';
COMMENT ON COLUMN case_duties.task_id IS 'Task whose decision took the duty.';
COMMENT ON COLUMN case_duties.at IS 'When it was taken.';

COMMENT ON TABLE intervals IS 'Every wait of a case with its owner. They sum to the case''s whole time; durations, deadlines and reports derive from them.';
COMMENT ON COLUMN intervals.case_id IS 'The case.';
COMMENT ON COLUMN intervals.n IS '1, 2, 3 ... within the case.';
COMMENT ON COLUMN intervals.stage IS 'Stage of the case.';
COMMENT ON COLUMN intervals.task_id IS 'Task that is waited for; none without one.';
COMMENT ON COLUMN intervals.level IS 'Approval level.';
COMMENT ON COLUMN intervals.claimed IS 'Somebody works on it.';
COMMENT ON COLUMN intervals.owner IS 'Who keeps the case waiting.';
COMMENT ON COLUMN intervals.from_at IS 'Begin, on the case''s clock.';
COMMENT ON COLUMN intervals.to_at IS 'End; none for the present wait.';

COMMENT ON TABLE events IS 'What happened to a case: codes, ids and amounts, nothing personal. Insert-only.';
COMMENT ON COLUMN events.id IS 'Id evt_.';
COMMENT ON COLUMN events.case_id IS 'The case.';
COMMENT ON COLUMN events.n IS '1, 2, 3 ... within the case.';
COMMENT ON COLUMN events.kind IS 'What happened, such as case.submitted.';
COMMENT ON COLUMN events.at IS 'When, on the case''s clock.';
COMMENT ON COLUMN events.actor IS 'Staff subject, partner id, or system.';
COMMENT ON COLUMN events.task_id IS 'Task that it is about.';
COMMENT ON COLUMN events.version IS 'Version of the case after it.';
COMMENT ON COLUMN events.data IS 'Codes, ids and amounts; programme_version is the rules that were followed.';

COMMENT ON TABLE idempotency_keys IS 'Requests by their Idempotency-Key, and their answers, for 90 days.';
COMMENT ON COLUMN idempotency_keys.caller IS 'Whose request.';
COMMENT ON COLUMN idempotency_keys.route IS 'Operation.';
COMMENT ON COLUMN idempotency_keys.key IS 'SHA-256 of the client''s key, in hex.';
COMMENT ON COLUMN idempotency_keys.fingerprint IS 'Hash of method, path and body.';
COMMENT ON COLUMN idempotency_keys.resource_id IS 'Id of what the request creates; the same for every copy.';
COMMENT ON COLUMN idempotency_keys.status IS 'HTTP status of the answer; none while the request is under way.';
COMMENT ON COLUMN idempotency_keys.sealed IS 'The answer, encrypted.';
COMMENT ON COLUMN idempotency_keys.created_at IS 'When the first copy came.';
COMMENT ON COLUMN idempotency_keys.taken_at IS 'When the present copy began; a silent one is taken over after a minute.';

COMMENT ON TABLE audit IS 'Acts that must be accounted for, refused ones among them. Insert-only.';
COMMENT ON COLUMN audit.id IS 'Running number.';
COMMENT ON COLUMN audit.at IS 'When, on the wall clock.';
COMMENT ON COLUMN audit.actor IS 'Who.';
COMMENT ON COLUMN audit.action IS 'What.';
COMMENT ON COLUMN audit.object IS 'Id of what it was done to.';
COMMENT ON COLUMN audit.outcome IS 'done or refused.';
COMMENT ON COLUMN audit.code IS 'Code of the refusal.';

COMMENT ON TABLE outbox IS 'What has to leave, written in the transaction of the fact.';
COMMENT ON COLUMN outbox.id IS 'Running number.';
COMMENT ON COLUMN outbox.kind IS 'What it is; signal goes to a workflow.';
COMMENT ON COLUMN outbox.workflow_id IS 'To whom.';
COMMENT ON COLUMN outbox.name IS 'Name of the signal.';
COMMENT ON COLUMN outbox.created_at IS 'When it was written.';
COMMENT ON COLUMN outbox.sent_at IS 'When it was sent; none before.';
COMMENT ON COLUMN outbox.attempts IS 'How often it was tried.';

COMMENT ON TABLE funds IS 'Pots of money with a budget.';
COMMENT ON COLUMN funds.id IS 'Id fund_.';
COMMENT ON COLUMN funds.code IS 'Short name.';
COMMENT ON COLUMN funds.name IS 'Name for people.';
COMMENT ON COLUMN funds.area IS 'The fund pays for this area and everything below it.';
COMMENT ON COLUMN funds.currency IS 'ISO 4217.';
COMMENT ON COLUMN funds.rails IS 'Rail for each payee method.';
COMMENT ON COLUMN funds.created_at IS 'When it was opened.';
COMMENT ON COLUMN funds.closing IS 'Takes no new reservation.';

COMMENT ON TABLE fund_balances IS 'Running balances of a fund, kept by a trigger of the ledger, in minor units and in each account''s natural direction; the CHECKs are the limit that nothing gets around.';
COMMENT ON COLUMN fund_balances.fund_id IS 'The fund.';
COMMENT ON COLUMN fund_balances.budget IS 'Limit of what may be promised and spent.';
COMMENT ON COLUMN fund_balances.cash IS 'Money in the bank.';
COMMENT ON COLUMN fund_balances.advances IS 'Cash given out for hand-over.';
COMMENT ON COLUMN fund_balances.receivable IS 'Fees to be repaid by the operator.';
COMMENT ON COLUMN fund_balances.contributions IS 'Raised.';
COMMENT ON COLUMN fund_balances.aid_paid IS 'Paid to households.';
COMMENT ON COLUMN fund_balances.recovered IS 'Taken back.';
COMMENT ON COLUMN fund_balances.funding IS 'Counterpart of the commitments.';
COMMENT ON COLUMN fund_balances.available IS 'Raised and promised to nobody.';
COMMENT ON COLUMN fund_balances.reserved IS 'Promised by approvals.';
COMMENT ON COLUMN fund_balances.in_transit IS 'On its way to payees.';
COMMENT ON COLUMN fund_balances.spent IS 'Arrived.';
COMMENT ON COLUMN fund_balances.version IS 'Rises with every posting; the ETag.';

COMMENT ON TABLE contributions IS 'Money given to funds. Insert-only.';
COMMENT ON COLUMN contributions.id IS 'Id con_.';
COMMENT ON COLUMN contributions.fund_id IS 'The fund.';
COMMENT ON COLUMN contributions.external_id IS 'The office''s own number of the receipt.';
COMMENT ON COLUMN contributions.amount IS 'In minor units.';
COMMENT ON COLUMN contributions.currency IS 'ISO 4217.';
COMMENT ON COLUMN contributions.received_on IS 'Date of receipt.';
COMMENT ON COLUMN contributions.donor IS 'Who gave it, encrypted.';
COMMENT ON COLUMN contributions.created_by IS 'Who recorded it.';
COMMENT ON COLUMN contributions.created_at IS 'When it was recorded.';

COMMENT ON TABLE ledger_transactions IS 'Double-entry transactions; each sums to zero per fund, set and currency, checked at commit. Insert-only.';
COMMENT ON COLUMN ledger_transactions.id IS 'Id trx_.';
COMMENT ON COLUMN ledger_transactions.fund_id IS 'The fund.';
COMMENT ON COLUMN ledger_transactions.kind IS 'The event of the posting table.';
COMMENT ON COLUMN ledger_transactions.key IS 'Business key: the same event is never posted twice.';
COMMENT ON COLUMN ledger_transactions.case_id IS 'The case, if it is about one.';
COMMENT ON COLUMN ledger_transactions.actor IS 'Who caused it.';
COMMENT ON COLUMN ledger_transactions.at IS 'When.';

COMMENT ON TABLE ledger_entries IS 'Lines of ledger transactions. Insert-only.';
COMMENT ON COLUMN ledger_entries.transaction_id IS 'The transaction.';
COMMENT ON COLUMN ledger_entries.n IS 'Line, from 1.';
COMMENT ON COLUMN ledger_entries.fund_id IS 'The fund.';
COMMENT ON COLUMN ledger_entries.book IS 'books: what the money is; commitments: what it is promised to.';
COMMENT ON COLUMN ledger_entries.account IS 'The account.';
COMMENT ON COLUMN ledger_entries.amount IS 'In minor units: debit positive, credit negative.';
COMMENT ON COLUMN ledger_entries.currency IS 'ISO 4217.';

COMMENT ON TABLE awards IS 'What the approvals of a case''s round grant.';
COMMENT ON COLUMN awards.id IS 'Id awd_.';
COMMENT ON COLUMN awards.case_id IS 'The case.';
COMMENT ON COLUMN awards.round IS 'Round of the case.';
COMMENT ON COLUMN awards.fund_id IS 'Fund that pays.';
COMMENT ON COLUMN awards.amount IS 'Granted, in minor units.';
COMMENT ON COLUMN awards.currency IS 'ISO 4217.';
COMMENT ON COLUMN awards.bound_hash IS 'Hash of payee, account, fund and currency that the approvals bound.';
COMMENT ON COLUMN awards.state IS 'proposed, reserved, running, completed or cancelled.';
COMMENT ON COLUMN awards.created_at IS 'When it was granted.';

COMMENT ON TABLE tranches IS 'Instalments of awards.';
COMMENT ON COLUMN tranches.id IS 'Id tra_.';
COMMENT ON COLUMN tranches.award_id IS 'The award.';
COMMENT ON COLUMN tranches.n IS '1, 2, 3 ... within the award.';
COMMENT ON COLUMN tranches.amount IS 'In minor units; the tranches sum to the award.';
COMMENT ON COLUMN tranches.milestone IS 'What must be seen before it is paid; empty for nothing.';
COMMENT ON COLUMN tranches.state IS 'planned, evidence_due, due, paying, settled or skipped.';
COMMENT ON COLUMN tranches.held IS 'Not to be paid again until somebody has decided.';

COMMENT ON TABLE payments IS 'Movements of money to payees; at most one live or settled per tranche.';
COMMENT ON COLUMN payments.id IS 'Id pay_.';
COMMENT ON COLUMN payments.case_id IS 'The case.';
COMMENT ON COLUMN payments.award_id IS 'The award.';
COMMENT ON COLUMN payments.tranche_id IS 'The tranche.';
COMMENT ON COLUMN payments.fund_id IS 'Fund that pays.';
COMMENT ON COLUMN payments.n IS '1, 2, 3 ... within the tranche; part of the rail''s key.';
COMMENT ON COLUMN payments.amount IS 'In minor units.';
COMMENT ON COLUMN payments.currency IS 'ISO 4217.';
COMMENT ON COLUMN payments.payee_account_id IS 'Where the money goes.';
COMMENT ON COLUMN payments.rail IS 'Way to pay; empty when the fund has none for the method.';
COMMENT ON COLUMN payments.state IS 'due, queued, instructed, settled, failed, unknown, returned or cancelled.';
COMMENT ON COLUMN payments.reason IS 'Code of a failure.';
COMMENT ON COLUMN payments.retry_of IS 'Failed payment that it stands in for.';
COMMENT ON COLUMN payments.version IS 'Rises with every change; the ETag.';
COMMENT ON COLUMN payments.created_at IS 'When it became due.';
COMMENT ON COLUMN payments.instructed_at IS 'When it was released to its rail.';
COMMENT ON COLUMN payments.ended_at IS 'When nothing more could happen by itself.';

COMMENT ON TABLE attempts IS 'Tries of payments on their rails; one open at a time.';
COMMENT ON COLUMN attempts.id IS 'Id att_.';
COMMENT ON COLUMN attempts.payment_id IS 'The payment.';
COMMENT ON COLUMN attempts.key IS 'Key under which the rail knows it: <award>/<tranche>/<n>.';
COMMENT ON COLUMN attempts.state IS 'submitting, accepted, refused, unknown, settled or failed.';
COMMENT ON COLUMN attempts.reference IS 'The rail''s own reference.';
COMMENT ON COLUMN attempts.code IS 'The rail''s code of a refusal or failure.';
COMMENT ON COLUMN attempts.started_at IS 'When it began, before the rail was called.';
COMMENT ON COLUMN attempts.asked_at IS 'When the rail last answered.';
COMMENT ON COLUMN attempts.ended_at IS 'When its outcome was certain.';

COMMENT ON TABLE visits IS 'Follow-up visits.';
COMMENT ON COLUMN visits.id IS 'Id vis_.';
COMMENT ON COLUMN visits.case_id IS 'The case.';
COMMENT ON COLUMN visits.round IS 'Round of the case.';
COMMENT ON COLUMN visits.n IS '1, 2, 3 ... within the round.';
COMMENT ON COLUMN visits.due_at IS 'When it is due, on the case''s clock.';
COMMENT ON COLUMN visits.state IS 'planned, due, completed or waived.';
COMMENT ON COLUMN visits.outcome IS 'What was found, as a code.';
COMMENT ON COLUMN visits.done_at IS 'When it was made.';

COMMENT ON TABLE callbacks IS 'Hints of rails that a payment may have moved, each kept once. Insert-only.';
COMMENT ON COLUMN callbacks.rail IS 'The rail.';
COMMENT ON COLUMN callbacks.id IS 'The rail''s id of the message.';
COMMENT ON COLUMN callbacks.key IS 'The rail''s key of the payment.';
COMMENT ON COLUMN callbacks.state IS 'State that it claims; the rail is asked before it counts.';
COMMENT ON COLUMN callbacks.received_at IS 'When it came.';

-- +goose Down
-- Comments bind nobody: they stay.
SELECT 1;
