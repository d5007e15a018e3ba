// `proa up`: wires the platform, serving and the node together and runs them until a signal.
#pragma once

namespace proa::app {

int up_main(int argc, char** argv);  // the process's exit code

}  // namespace proa::app
