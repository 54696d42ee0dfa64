package main

import (
	"fmt"
	"io"
	"net/netip"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

// timerDelay bounds how late timers fire where clients may skip time.
const timerDelay = 20 * time.Millisecond

// server is a running Temporal server.
type server struct {
	temporal temporal.Server
	logger   *logger
}

// stop ends all services; running calls are answered first.
func (s *server) stop(stderr io.Writer) {
	s.logger.changing()
	if err := s.temporal.Stop(); err != nil {
		fmt.Fprintln(stderr, "aidflow-engine: at stop: "+oneLine(err))
	}
}

// startServer starts all services of Temporal in this process. It has no
// authorizer: whoever reaches the address may do everything, which is why
// options refuse an address beyond loopback without TLS.
func startServer(s *store, o options, p ports) (*server, error) {
	logger, err := newLogger(o.LogLevel)
	if err != nil {
		return nil, fmt.Errorf("--log-level: %w", err)
	}
	services := serviceAddresses(p)
	names := make([]string, 0, len(services))
	hosts := map[primitives.ServiceName]static.Hosts{}
	for name, address := range services {
		names = append(names, string(name))
		hosts[name] = static.SingleLocalHost(address.String())
	}
	t, err := temporal.NewServer(
		temporal.WithConfig(serverConfig(s, o, p)),
		temporal.ForServices(names),
		temporal.WithStaticHosts(hosts),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithLogger(logger),
		temporal.WithDynamicConfigClient(dynamicConfig(o)),
	)
	if err != nil {
		return nil, fmt.Errorf("the server cannot be set up: %w", err)
	}
	if err := t.Start(); err != nil {
		_ = t.Stop()
		return nil, fmt.Errorf("the server cannot start: %w", err)
	}
	return &server{t, logger}, nil
}

// serviceAddresses lists the services of this engine. The internal frontend
// exists only beside TLS.
func serviceAddresses(p ports) map[primitives.ServiceName]netip.AddrPort {
	m := map[primitives.ServiceName]netip.AddrPort{
		primitives.FrontendService: p.frontend,
		primitives.HistoryService:  p.history,
		primitives.MatchingService: p.matching,
		primitives.WorkerService:   p.worker,
	}
	if p.tls {
		m[primitives.InternalFrontendService] = p.internal
	}
	return m
}

// serverConfig describes a cluster of one node with both stores. Metrics and
// archival are left out: no reporter is the quickest, and archival is off only
// when it has no URI either.
func serverConfig(s *store, o options, p ports) *config.Config {
	services := map[string]config.Service{}
	for name, a := range serviceAddresses(p) {
		services[string(name)] = config.Service{RPC: config.RPC{
			GRPCPort: int(a.Port()),
			BindOnIP: a.Addr().String(),
		}}
	}
	c := &config.Config{
		Persistence: config.Persistence{
			DefaultStore:     "main",
			VisibilityStore:  "visibility",
			NumHistoryShards: o.Shards,
			DataStores: map[string]config.DataStore{
				"main":       {SQL: s.main},
				"visibility": {SQL: s.visibility},
			},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: p.internalAddress()},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            services,
	}
	c.Global.TLS.Frontend = frontendTLS(o)
	return c
}

// frontendTLS is what clients meet. The services among themselves stay on
// loopback without TLS.
func frontendTLS(o options) config.GroupTLS {
	if !o.tls() {
		return config.GroupTLS{}
	}
	s := config.ServerTLS{CertFile: o.TLSCert, KeyFile: o.TLSKey}
	if o.TLSClientCA != "" {
		s.ClientCAFiles, s.RequireClientAuth = []string{o.TLSClientCA}, true
	}
	return config.GroupTLS{Server: s}
}

// dynamicConfig raises rate limits that are meant to keep tenants of a shared
// cluster apart; this engine has one. Limits of histories and of updates in
// flight keep their defaults.
func dynamicConfig(o options) dynamicconfig.StaticClient {
	const plenty = 100_000
	c := dynamicconfig.StaticClient{
		dynamicconfig.FrontendRPS.Key():                                  plenty,
		dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key():           plenty,
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 100, // sweeps and people; each is an SQL scan
		dynamicconfig.FrontendPersistenceMaxQPS.Key():                    plenty,
		dynamicconfig.HistoryPersistenceMaxQPS.Key():                     plenty,
		dynamicconfig.MatchingPersistenceMaxQPS.Key():                    plenty,
		// One matching host: more partitions only forward tasks to each other.
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
		// A timer or task whose notification is lost in an outage of the
		// database is found again this soon; by default after five minutes.
		dynamicconfig.TimerProcessorMaxPollInterval.Key():    20 * time.Second,
		dynamicconfig.TransferProcessorMaxPollInterval.Key(): 20 * time.Second,
		// Would ask a server outside for newer versions.
		dynamicconfig.EnableServerVersionCheck.Key(): false,
	}
	if o.TimeSkipping {
		c[dynamicconfig.WorkflowTimeSkippingEnabled.Key()] = true
		// A workflow of many short timers may be forwarded by years.
		c[dynamicconfig.WorkflowTimeSkippingMaxSkipPerSession.Key()] = 10_000
		// How long after its time a timer fires at most: by default 1 s, for
		// clocks of several machines that differ. Forwarding waits that long at
		// every timer, and an update that comes in between makes it pass the
		// timer by.
		c[dynamicconfig.TimerProcessorMaxTimeShift.Key()] = timerDelay
		// By default the next run of a workflow that continues as new within 1 s
		// waits before its first task, and forwarding would run past what that
		// task waits for.
		c[dynamicconfig.WorkflowIdReuseMinimalInterval.Key()] = time.Duration(0)
	}
	return c
}
