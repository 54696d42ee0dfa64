package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// routeMeta adds the operations tagged `meta`: health and the document itself.
// /docs is a page of the console.
func (s *Server) routeMeta(r gin.IRouter) {
	r.GET("/livez", func(c *gin.Context) { c.String(http.StatusOK, "ok\n") })
	r.GET("/readyz", s.readyz)
	r.GET("/version", func(c *gin.Context) {
		c.JSON(http.StatusOK, Version{Version: s.cfg.Version, Revision: s.cfg.Revision, Mode: s.mode})
	})
	r.GET("/metrics", gin.WrapH(promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{})))
	r.GET("/openapi.yaml", func(c *gin.Context) { c.Data(http.StatusOK, "application/yaml", s.doc.YAML) })
	r.GET("/openapi.json", func(c *gin.Context) { c.Data(http.StatusOK, "application/json", s.doc.JSON) })
}

// readyz is ready as soon as the database answers: cases are taken while the
// engine is away.
func (s *Server) readyz(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), 2*time.Second)
	defer cancel()
	answer := Readiness{Database: s.store.Ping(ctx) == nil, Engine: s.process.Health(ctx) == nil}
	answer.Ready = answer.Database
	status := http.StatusOK
	if !answer.Ready {
		status = http.StatusServiceUnavailable
	}
	c.JSON(status, answer)
}
