package postgres

import (
	"context"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/aid/worktime"
)

// DevelopmentFund is the code of the fund of the development data.
const DevelopmentFund = "fund-for-the-poor"

// SeedDevelopment writes the development data where it is missing: areas,
// partners and their keys, staff with roles, the given programmes and
// calendars, and a fund with 500 m VND raised and budgeted; the register comes
// with SeedRegister. It needs the owner's role and changes nothing when run again. It gives the keys
// of the partners by code; they are derived from the key file, so that every
// start prints the same ones.
func (s *Store) SeedDevelopment(ctx context.Context, definitions []*programme.Definition, calendars []*worktime.Calendar) (map[string]string, error) {
	keys := map[string]string{}
	err := s.Write(ctx, func(tx *Tx) error {
		if err := tx.seedAreas(); err != nil {
			return err
		}
		if err := tx.seedPartners(keys); err != nil {
			return err
		}
		if err := tx.seedStaff(); err != nil {
			return err
		}
		if err := tx.seedContacts(); err != nil {
			return err
		}
		return tx.seedFund()
	})
	if err != nil {
		return nil, err
	}
	if err := s.AddCalendars(ctx, calendars); err != nil {
		return nil, err
	}
	if err := s.PublishProgrammes(ctx, definitions); err != nil {
		return nil, err
	}
	return keys, s.seedMoney(ctx)
}

func developmentAreas() []AreaRow {
	province := func(code, name string) AreaRow { return AreaRow{Code: code, Name: name, Level: "province"} }
	commune := func(code, name string) AreaRow {
		parent := code[:2]
		return AreaRow{Code: code, Name: name, Level: "commune", Parent: &parent}
	}
	return []AreaRow{province("51", "Quảng Ngãi"), province("48", "Đà Nẵng"),
		commune("51001", "Cẩm Thành"), commune("51002", "Nghĩa Lộ"), commune("51003", "Sơn Tịnh"), commune("51004", "Ba Tơ"), commune("51005", "Lý Sơn"),
		commune("48001", "Hải Châu")}
}

func developmentCommunes() []string {
	var codes []string
	for _, a := range developmentAreas() {
		if a.Parent != nil && *a.Parent == "51" {
			codes = append(codes, a.Code)
		}
	}
	return codes
}

func (tx *Tx) seedAreas() error {
	for _, a := range developmentAreas() {
		_, err := tx.exec(`INSERT INTO areas (code, name, level, parent) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, a.Code, a.Name, a.Level, a.Parent)
		if err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) seedPartners(keys map[string]string) error {
	for _, p := range []struct{ code, name, area string }{
		{"portal1", "Portal of Quảng Ngãi", "51"}, {"portal2", "Portal of Đà Nẵng", "48"}} {
		var id string
		err := tx.get(&id, `INSERT INTO partners (id, code, name, area, created_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (code) DO UPDATE SET code = $2 RETURNING id`, NewID(aid.PartnerID), p.code, p.name, p.area, tx.Wall)
		if err != nil {
			return err
		}
		keys[p.code] = formatKey("test", tx.vault.Hash("dev-key", p.code))
		if err := tx.insertKey(NewID(aid.KeyID), id, "test", keys[p.code], DevelopmentScopes(), nil); err != nil {
			return err
		}
	}
	return nil
}

// DevelopmentScopes gives what the development keys may do: everything that a
// partner can.
func DevelopmentScopes() []string { return []string{"cases:read", "cases:write", "documents:write"} }

// developmentStaff is one member of the development staff with one role.
type developmentStaff struct {
	subject, name string
	grant         RoleGrant
}

func developmentStaffList() []developmentStaff {
	in := func(area string, role aid.Role) RoleGrant { return RoleGrant{Role: role, Area: area} }
	level := func(level string, committee, chair bool) RoleGrant {
		return RoleGrant{Role: aid.RoleApprover, Area: "51", Level: level, Committee: committee, Chair: chair}
	}
	return []developmentStaff{
		{"verifier1", "Nguyễn Thị Hòa", in("51", aid.RoleVerifier)},
		{"verifier2", "Trần Văn Lộc", in("51", aid.RoleVerifier)},
		{"verifier3", "Lê Thị Thu", in("48", aid.RoleVerifier)},
		{"approver1", "Phạm Minh Đức", level("commune", false, false)},
		{"approver2", "Huỳnh Thị Lệ", level("province", true, false)},
		{"approver3", "Võ Quốc Thịnh", level("province", true, false)},
		{"approver4", "Đặng Văn Trí", level("province", true, true)},
		{"approver5", "Bùi Thị Xuân", level("province", false, false)},
		{"intake1", "Đỗ Thị Ngân", in("51", aid.RoleIntake)},
		{"treasurer1", "Hồ Thị Loan", in("51", aid.RoleTreasurer)},
		{"treasurer2", "Phan Văn Tài", in("51", aid.RoleTreasurer)},
		{"releaser1", "Đinh Công Danh", in("51", aid.RoleReleaser)},
		{"manager1", "Nguyễn Hữu Phước", in("51", aid.RoleManager)},
		{"auditor1", "Trần Thị Minh Châu", in("51", aid.RoleAuditor)},
		{"admin1", "Lê Quang Huy", in("51", aid.RoleAdmin)},
		{"admin2", "Phạm Thị Yên", in("51", aid.RoleAdmin)},
	}
}

// DevelopmentUsers gives the names under which the development staff signs in.
func DevelopmentUsers() []string {
	var users []string
	for _, m := range developmentStaffList() {
		users = append(users, m.subject)
	}
	return users
}

func (tx *Tx) seedStaff() error {
	for _, m := range developmentStaffList() {
		_, err := tx.exec(`INSERT INTO staff (subject, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, m.subject, m.name, tx.Wall)
		if err != nil {
			return err
		}
		_, err = tx.exec(`INSERT INTO staff_roles (subject, role, area, level, committee, chair) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
			m.subject, m.grant.Role, m.grant.Area, m.grant.Level, m.grant.Committee, m.grant.Chair)
		if err != nil {
			return err
		}
	}
	return nil
}

// seedContacts gives the development staff addresses that no mail can reach
// outside, each with a language.
func (tx *Tx) seedContacts() error {
	languages := map[string]string{"manager1": "en", "approver3": "en", "treasurer2": "id"}
	for _, m := range developmentStaffList() {
		var there bool
		err := tx.get(&there, `SELECT EXISTS (SELECT 1 FROM staff_contacts WHERE subject = $1)`, m.subject)
		if err != nil || there {
			return err
		}
		c := defaultContact()
		c.Address = m.subject + "@aidflow.test"
		if language, ok := languages[m.subject]; ok {
			c.Language = language
		}
		if err := tx.saveContact(m.subject, c, c.Version); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) seedFund() error {
	var there bool
	err := tx.get(&there, `SELECT EXISTS (SELECT 1 FROM funds WHERE code = $1)`, DevelopmentFund)
	if err != nil || there {
		return err
	}
	return tx.insertFund(NewFund{ID: NewID(aid.FundID), Code: DevelopmentFund, Name: "Fund for the poor", Area: "51", Currency: "VND",
		Budget: 500_000_000, Rails: map[string]string{"bank": "simulator"}})
}

// seedMoney gives the fund its first contribution.
func (s *Store) seedMoney(ctx context.Context) error {
	var fund string
	if err := s.get(ctx, &fund, `SELECT id FROM funds WHERE code = $1`, DevelopmentFund); err != nil {
		return err
	}
	_, err := s.Contribute(ctx, Contribution{ID: NewID(aid.ContributionID), FundID: fund, ExternalID: "PT-2026-0001", Amount: 500_000_000,
		Currency: "VND", ReceivedOn: s.Now().Truncate(24 * time.Hour), CreatedBy: "treasurer1"}, "Development donor")
	if aid.CodeOf(err) == "duplicate_external_id" {
		return nil
	}
	return err
}
