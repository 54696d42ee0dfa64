package api

import (
	"github.com/gin-gonic/gin"

	"github.com/aidflow/aidflow/aid"
)

// NotFound answers a page that does not exist.
func (s *Server) NotFound(c *gin.Context) {
	s.problems.write(c, aid.Refuse(aid.NotFound, "no_such_path"))
}

// Sentence gives the sentence of a code in a language, as a problem would.
func (s *Server) Sentence(lang, code string) string { return s.problems.texts.say(lang, code, nil) }

// Fail answers a page that could not be made: 500, and the cause in the log.
func (s *Server) Fail(c *gin.Context, err error) { s.problems.write(c, err) }
