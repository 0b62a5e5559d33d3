// Command bench measures what the gate costs a whole server, how fast the CCE and the
// IntelMQ endpoint are, and what remains of it under fire.
//
//	go run ./bench [-rounds 10] [-sample 1s] [-keys 1000] [-tabs 30s] [-only million|gate|cce|intelmq|fire]
//	go run ./bench -only peers [-peer-caddy path] [-rounds 10] [-sample 1s] [-keys 1000]
//
// What stands there are the defaults, but for -only and -peer-caddy, which have none.
//
// It starts Caddy in a process of its own on one core, loads it with wrk on the
// other one, and prints tables in Markdown. Only ratios within one run mean
// something: each sample of a case stands between two of the case it is compared
// with, samples in which other programs took more than a tenth of the machine
// are dropped, and what is printed is the median with the quartiles. A request
// of its own in each case, and wrk's count of refusals, make sure that every
// answer was the one the case expects.
//
// The cases of the gate are handlers before a `respond "ok"`: none at all; the
// floor, which is the least that a key check can be; and the gate.
//
// The CCE endpoint is compared with handlers that ask cced one command at a time,
// or over a connection for each command, and with a reverse_proxy whose upstream
// answers with a reply of the same size. The stand-in for cced and that upstream
// run in a third process, on the core of wrk. The lines "client only" are measured
// without HTTP, from this process.
//
// The IntelMQ endpoint runs a stand-in for intelmqctl, built for it, on the core of the
// server. Where that matters it uses the processor for 0.8 seconds, as the real one
// does. Processor time is that of the server and of the commands that it starts, so
// that a busy machine hardly changes it. Tabs of intelmq-manager ask what they were
// watched to ask, each with a token of its own. The memory is looked at after a
// collection, before and after requests that are all different.
//
// Under fire, checks of keys are compared with the same checks while there is no flood.
// The floods come from the process of the backends, on the core of wrk, so that what is
// lost is lost in the server, which has one core for both: with more of them less is
// lost. Those of refusals have a fixed rate, 10,000 a second, sixteen at a time on each
// connection, as an attacker does who wants that many from one core. Log-ins come from as
// many networks as connections, since one network is soon sent away; where the server has
// one core it computes hashes half of the time. The last two hold a thousand connections
// on which little or nothing comes.
//
// The peers are what operators would use in place of the gate: basic_auth, and
// forward_auth to a server that does the least possible check, in a process of its
// own on the core of wrk. They stand in the Caddyfile of the measured server, alone and
// before a reverse_proxy. Plugins for JWT and API keys are measured in a Caddy of the
// operator's, against a bare `respond` of that same Caddy: what it has is asked of it,
// and it gets a Caddyfile for that. Where a cache makes a difference there is a case
// with the same credentials in turn, and one in which each of them is new.
//
// The million keys lie in stores that are made for it. The server with them and
// the commands are this program as the command caddy; what is promised stands
// beside what was measured, in times of this machine.
//
// With CCED_SOCKET the daemon at that socket is measured in place of the stand-in.
// Nothing is changed there: CCED_USER logs in with CCED_PASSWORD, and objects of
// the class CCED_CLASS (User) are read, as many as there are with a property
// CCED_PROPERTY (name) that is not empty. For GETALL that is the first 200.
package main
