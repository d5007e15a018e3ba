// The load test at a constant rate, as two programs: `proa load`, and `vegeta` with its command
// lines.
//
// Open loop: request i starts at start + i / rate, whatever the answers do, and its latency counts
// from that intended start, so that a server that stalls cannot hide it. One thread, one loop.
#pragma once

namespace proa::load {

int load_main(int argc, char** argv);    // proa load --rate 500 --duration 60s --targets FILE
int vegeta_main(int argc, char** argv);  // vegeta [-cpus=N] attack|report …, joined by a pipe

}  // namespace proa::load
