// `proa serve`: loads models, answers V1, V2 REST and V2 gRPC until SIGTERM.
#pragma once

namespace proa::models {

// 0 after SIGTERM or SIGINT, once open requests are answered; 1 if the model cannot be loaded or
// the address is taken (one line on stderr, and in the container's termination log); 2 for a wrong
// flag.
int serve_main(int argc, char** argv);

}  // namespace proa::models
