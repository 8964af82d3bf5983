// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>
#include <stdio.h>

#include "cli/cli.h"
#include "duck/duck.h"
#include "engine/history.h"
#include "engine/project_yaml.h"

static int version_run(const CliArguments *arguments)
{
    (void)arguments;
    printf("tarn %s\n", TARN_VERSION);
    printf("DuckDB %s\n%s\n%s\njansson %s\n", duck_version(), history_library(),
           project_yaml_library(), jansson_version_str());
    return cli_finish_output();
}

const CliCommand cli_version = {
    .name = "version",
    .summary = "Print the versions of tarn and its libraries",
    .operands = "",
    .run = version_run,
};
