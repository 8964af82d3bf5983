# SPDX-License-Identifier: Apache-2.0
"""Random expressions and aggregates over typed columns, as Spark SQL text.

Whatever they compute must not depend on the order of rows: ties are broken by `id`, lists are sorted, and
sums of DOUBLE are exact because the columns hold quarters. Moments are rounded."""
CAST = {"INT": "INT", "BIGINT": "BIGINT", "DOUBLE": "DOUBLE", "STRING": "STRING", "DATE": "DATE"}
NUMBERS = ("INT", "BIGINT", "DECIMAL(10,2)", "DOUBLE")


def columns_of(scope, *types):
    return sorted(name for name, type in scope.items() if type in types)


def literal(rng, type):
    return {
        "INT": lambda: str(rng.randrange(0, 12)),
        "BIGINT": lambda: "CAST(%d AS BIGINT)" % rng.randrange(-3, 30),
        "DECIMAL(10,2)": lambda: "CAST(%d.25 AS DECIMAL(10,2))" % rng.randrange(0, 40),
        "DOUBLE": lambda: "CAST(%d.5 AS DOUBLE)" % rng.randrange(0, 9),
        "STRING": lambda: rng.choice(("'a'", "'b'", "'x'", "'é'", "''")),
        "BOOLEAN": lambda: rng.choice(("true", "false")),
        "DATE": lambda: "DATE '2024-02-0%d'" % rng.randrange(1, 9),
        "TIMESTAMP": lambda: "TIMESTAMP '2024-01-01 00:0%d:30'" % rng.randrange(1, 9),
    }[type]()


def value(rng, scope, type, depth=2):
    """An expression of this type."""
    names = columns_of(scope, type)
    if depth == 0 or rng.random() < 0.35:
        return rng.choice(names) if names and rng.random() < 0.85 else literal(rng, type)

    def sub(other=type):
        return value(rng, scope, other, depth - 1)

    forms = [
        lambda: "CASE WHEN %s THEN %s ELSE %s END" % (condition(rng, scope, depth - 1), sub(), sub()),
        lambda: "coalesce(%s, %s)" % (sub(), literal(rng, type)),
        lambda: "if(%s, %s, %s)" % (condition(rng, scope, depth - 1), sub(), sub()),
    ]
    if type == "INT":
        forms += [
            lambda: "(%s + %s)" % (sub(), sub()),
            lambda: "(%s - %s)" % (sub(), literal(rng, type)),
            lambda: "(%s * 3)" % sub(),
            lambda: "(%s %% 4)" % sub(),
            lambda: "length(%s)" % sub("STRING"),
            lambda: "abs(%s)" % sub(),
            lambda: "second(%s)" % sub("TIMESTAMP"),
            lambda: "day(%s)" % sub("DATE"),
            lambda: "greatest(%s, %s)" % (sub(), sub()),
            lambda: "size(array(%s, %s))" % (sub(), sub()),
            lambda: "struct(%s AS f, %s AS h).f" % (sub(), sub("STRING")),
        ]
    elif type == "BIGINT":
        forms += [lambda: "(%s + %s)" % (sub(), sub("INT")), lambda: "CAST(%s AS BIGINT)" % sub("INT")]
    elif type == "DECIMAL(10,2)":
        forms += [lambda: "CAST(%s AS DECIMAL(10,2))" % sub("INT"), lambda: "nullif(%s, 1.5)" % sub()]
    elif type == "DOUBLE":
        forms += [lambda: "(%s + %s)" % (sub(), sub()), lambda: "(%s * 0.5D)" % sub(),
                  lambda: "CAST(%s AS DOUBLE)" % sub("INT")]
    elif type == "STRING":
        forms += [
            lambda: "concat(%s, '-', %s)" % (sub(), sub()),
            lambda: "upper(%s)" % sub(),
            lambda: "substring(%s, 1, 1)" % sub(),
            lambda: "CAST(%s AS STRING)" % sub(rng.choice(("INT", "BIGINT", "DATE", "BOOLEAN"))),
            lambda: "%s || %s" % (sub(), literal(rng, type)),
            lambda: "split(%s, '-')[0]" % sub(),
        ]
    elif type == "BOOLEAN":
        return condition(rng, scope, depth)
    elif type == "DATE":
        forms += [lambda: "date_add(%s, 1)" % sub(), lambda: "CAST(%s AS DATE)" % sub("TIMESTAMP")]
    elif type == "TIMESTAMP":
        forms += [lambda: "date_trunc('MINUTE', %s)" % sub(), lambda: "(%s + INTERVAL 5 SECONDS)" % sub()]
    return rng.choice(forms)()


def condition(rng, scope, depth=2):
    def sub(type):
        return value(rng, scope, type, max(0, depth - 1))

    number = rng.choice(NUMBERS)
    forms = [
        lambda: "%s %s %s" % (sub(number), rng.choice(("<", ">=", "=", "<>")), literal(rng, number)),
        lambda: "%s > %s" % (sub("INT"), sub("INT")),
        lambda: "%s IN ('a', 'b', 'x')" % sub("STRING"),
        lambda: "%s IS NOT NULL" % rng.choice(sorted(scope)),
        lambda: "%s BETWEEN 0 AND 15" % sub("INT"),
        lambda: "%s LIKE '%%a%%'" % sub("STRING"),
        lambda: "%s <=> %s" % (sub("STRING"), literal(rng, "STRING")),
        lambda: "%s >= %s" % (sub("DATE"), literal(rng, "DATE")),
    ]
    names = columns_of(scope, "BOOLEAN")
    if names:
        forms.append(lambda: rng.choice(names))
    if depth > 0:
        forms += [
            lambda: "(%s AND %s)" % (condition(rng, scope, depth - 1), condition(rng, scope, depth - 1)),
            lambda: "(%s OR %s)" % (condition(rng, scope, depth - 1), condition(rng, scope, depth - 1)),
            lambda: "NOT (%s)" % condition(rng, scope, depth - 1),
        ]
    return rng.choice(forms)()


def any_type(rng, scope):
    return rng.choice(sorted(set(scope.values())))


def aggregate(rng, scope):
    """A call of an aggregate function, perhaps within an expression."""
    def some(*types):
        return value(rng, scope, rng.choice(types), 1)

    number = some(*NUMBERS)
    other = some("INT", "DOUBLE")
    anything = value(rng, scope, any_type(rng, scope), 1)
    where = " FILTER (WHERE %s)" % condition(rng, scope, 1) if rng.random() < 0.25 else ""
    forms = [
        "count(*)", "count(*)", "count(%s)" % anything, "count(%s, %s)" % (number, anything),
        "sum(%s)" % number, "sum(%s)" % number, "avg(%s)" % number, "min(%s)" % anything, "max(%s)" % anything,
        "count(DISTINCT %s)" % anything, "count(DISTINCT %s, %s)" % (some("STRING"), some("INT")),
        "sum(DISTINCT %s)" % some("INT", "DECIMAL(10,2)"), "avg(DISTINCT %s)" % some("INT"),
        "count_if(%s)" % condition(rng, scope, 1), "bool_and(%s)" % condition(rng, scope, 1),
        "bool_or(%s)" % condition(rng, scope, 1), "bit_and(%s)" % some("INT"), "bit_or(%s)" % some("INT"),
        "bit_xor(%s)" % some("INT"), "try_sum(%s)" % number, "try_avg(%s)" % some("INT"),
        "approx_count_distinct(%s)" % some("INT", "STRING"),
    ]
    if "id" in scope:
        forms += ["max_by(%s, id)" % anything, "min_by(%s, id)" % anything, "max(struct(%s AS f, id)).id" % some("INT")]
    rounded = [
        "stddev(%s)" % other, "stddev_pop(%s)" % other, "variance(%s)" % other, "var_pop(%s)" % other,
        "covar_pop(%s, %s)" % (other, some("INT")), "covar_samp(%s, %s)" % (other, some("INT")),
        "corr(%s, %s)" % (other, some("INT")), "regr_count(%s, %s)" % (other, some("INT")),
        "regr_slope(%s, %s)" % (some("INT"), other), "percentile(%s, 0.25)" % number, "median(%s)" % some("INT"),
    ]
    sorted_lists = ["collect_list(%s)" % anything, "collect_set(%s)" % some("INT", "STRING", "DATE")]
    draw = rng.random()
    if draw < 0.72:
        call = rng.choice(forms)
        if call.endswith(".id"):
            where = ""
        call += where
        if rng.random() < 0.15 and call.startswith("count"):
            return "%s + 1" % call
        return call
    if draw < 0.87:
        return "round(%s%s, 4)" % (rng.choice(rounded), where)
    return "sort_array(%s%s)" % (rng.choice(sorted_lists), where)
