// SPDX-License-Identifier: Apache-2.0
// tensorflow_model_server; custom_server.h says how to build one of one's own.
#include "tfserving_remote/server/custom_server.h"

int main(int argc, char** argv) { return tfserving_remote::ServerMain(argc, argv); }
