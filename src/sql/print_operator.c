// print_operator.c -- arithmetic and casts: what differs from DuckDB depends on types.
//
// Where the tree shows the type (a literal, a cast, a function with a fixed result) DuckDB's own
// operator is printed; else a macro or C function of the prelude decides while DuckDB binds.
// SPDX-License-Identifier: Apache-2.0
#include "sql/print_internal.h"

static ValueKind type_kind(const Type *type)
{
    switch (type->kind) {
    case TYPE_VOID:
        return KIND_NULL;
    case TYPE_BOOLEAN:
        return KIND_BOOLEAN;
    case TYPE_INT:
        return KIND_INT;
    case TYPE_BIGINT:
        return KIND_BIGINT;
    case TYPE_DOUBLE:
        return KIND_DOUBLE;
    case TYPE_DECIMAL:
        return KIND_DECIMAL;
    case TYPE_STRING:
        return KIND_STRING;
    case TYPE_BINARY:
        return KIND_BINARY;
    case TYPE_DATE:
        return KIND_DATE;
    case TYPE_TIMESTAMP:
        return KIND_TIMESTAMP;
    case TYPE_TIMESTAMP_NTZ:
        return KIND_NTZ;
    case TYPE_INTERVAL:
        return KIND_INTERVAL;
    case TYPE_ARRAY:
        return KIND_ARRAY;
    case TYPE_MAP:
        return KIND_MAP;
    case TYPE_STRUCT:
        return KIND_STRUCT;
    default:
        return KIND_UNKNOWN;
    }
}

static ValueKind number_kind(Slice text)
{
    char last = text.data[text.size - 1];
    bool decimal = memchr(text.data, '.', text.size) != NULL;
    bool exponent =
        memchr(text.data, 'e', text.size) != NULL || memchr(text.data, 'E', text.size) != NULL;
    switch (last) {
    case 'L':
    case 'l':
        return KIND_BIGINT;
    case 'D':
    case 'd':
        return text.size > 1 && (text.data[text.size - 2] | 32) == 'b' ? KIND_DECIMAL : KIND_DOUBLE;
    case 'S':
    case 's':
    case 'Y':
    case 'y':
    case 'F':
    case 'f':
        return KIND_UNKNOWN;
    default:
        return exponent         ? KIND_DOUBLE
               : decimal        ? KIND_DECIMAL
               : text.size < 10 ? KIND_INT
               : text.size < 19 ? KIND_BIGINT
                                : KIND_UNKNOWN;
    }
}

static bool is_integer(ValueKind kind)
{
    return kind == KIND_INT || kind == KIND_BIGINT;
}

static ValueKind binary_kind(const Expr *expr)
{
    if (expr->op <= OP_GE) {
        return KIND_BOOLEAN;
    }
    ValueKind left = print_kind(expr->arguments.items[0]);
    ValueKind right = print_kind(expr->arguments.items[1]);
    bool is_double = left == KIND_DOUBLE || right == KIND_DOUBLE;
    switch (expr->op) {
    case OP_DIV:
        return left == KIND_INTERVAL                                  ? KIND_INTERVAL
               : is_double || (is_integer(left) && is_integer(right)) ? KIND_DOUBLE
                                                                      : KIND_UNKNOWN;
    case OP_INT_DIV:
        return KIND_BIGINT;
    case OP_CONCAT:
        return left == KIND_ARRAY || right == KIND_ARRAY ? KIND_ARRAY : KIND_STRING;
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
        if (left == KIND_INTERVAL && (right == KIND_INTERVAL || expr->op == OP_MUL)) {
            return KIND_INTERVAL;
        }
        if (is_integer(left) && is_integer(right)) {
            return left == right ? left : KIND_BIGINT;
        }
        return is_double ? KIND_DOUBLE : KIND_UNKNOWN;
    default:
        return KIND_UNKNOWN;
    }
}

// Text, unless an argument is evidently an array: arrays in columns are refused at run time.
static ValueKind concat_kind(const Expr *call)
{
    for (size_t i = 0; i < call->arguments.count; i++) {
        if (print_kind(call->arguments.items[i]) == KIND_ARRAY) {
            return KIND_ARRAY;
        }
    }
    return KIND_STRING;
}

ValueKind print_kind(const Expr *expr)
{
    const Function *function;
    switch (expr->kind) {
    case EXPR_NULL:
        return KIND_NULL;
    case EXPR_BOOLEAN:
    case EXPR_BETWEEN:
    case EXPR_IN:
    case EXPR_LIKE:
    case EXPR_IS:
    case EXPR_EXISTS:
        return KIND_BOOLEAN;
    case EXPR_NUMBER:
        return number_kind(expr->text);
    case EXPR_STRING:
        return KIND_STRING;
    case EXPR_BINARY_LITERAL:
        return KIND_BINARY;
    case EXPR_TYPED:
    case EXPR_CAST:
        return type_kind(expr->type);
    case EXPR_INTERVAL:
        return KIND_INTERVAL;
    case EXPR_UNARY:
        return expr->op == OP_NOT ? KIND_BOOLEAN : print_kind(expr->arguments.items[0]);
    case EXPR_BINARY:
        return binary_kind(expr);
    case EXPR_CALL:
        function = function_find(expr->text, expr->arguments.count);
        if (function != NULL && function->hook == HOOK_CONCAT) {
            return concat_kind(expr);
        }
        if (function != NULL && function->result == KIND_UNKNOWN && expr->arguments.count > 0 &&
            print_kind(expr->arguments.items[0]) == KIND_INTERVAL) {
            return KIND_INTERVAL; // abs, coalesce, try_add ... of an interval
        }
        return function == NULL ? KIND_UNKNOWN : function->result;
    default:
        return KIND_UNKNOWN;
    }
}

// ---- casts ---------------------------------------------------------------------------------

typedef struct Conversion {
    char letter;
    ValueKind kind;
    const char *macro;
    const char *function; // for any type
} Conversion;

static const Conversion conversions[] = {
    {'s', KIND_STRING, "spark_string", "spark_cast_string"},
    {'d', KIND_DOUBLE, "spark_double", "spark_cast_double"},
    {'l', KIND_BIGINT, "spark_bigint", "spark_cast_bigint"},
    {'i', KIND_INT, "spark_int", "spark_cast_int"},
    {'D', KIND_DATE, "spark_date", "spark_cast_date"},
    {'T', KIND_TIMESTAMP, "spark_timestamp", "spark_cast_timestamp"},
    {'x', KIND_BINARY, "spark_binary", "spark_cast_binary"},
    {'t', KIND_STRING, "spark_text", "spark_cast_text"}, // no binary
    {'p', KIND_STRING, "spark_part", "spark_cast_part"}, // no binary, no array
    {'e', KIND_UNKNOWN, "map_entries", "map_entries"},
    {'n', KIND_UNKNOWN, "spark_addend", ""},
};

void print_as(Printer *printer, const Expr *expr, char letter)
{
    for (size_t i = 0; i < ARRAY_LEN(conversions); i++) {
        ValueKind kind = conversions[i].kind;
        if (conversions[i].letter == letter && (kind == KIND_UNKNOWN || kind != print_kind(expr))) {
            // without a name: as it is, in parentheses
            buffer_printf(printer->out, "%s(",
                          print_is_opaque(printer, expr) ? conversions[i].function
                                                         : conversions[i].macro);
            print_expr(printer, expr);
            print_text(printer, ")");
            return;
        }
    }
    print_expr(printer, expr);
}

typedef struct CastName {
    TypeKind kind;
    const char *name;
} CastName;

static const CastName cast_names[] = {
    {TYPE_BOOLEAN, "boolean"}, {TYPE_TINYINT, "tinyint"},     {TYPE_SMALLINT, "smallint"},
    {TYPE_INT, "int"},         {TYPE_BIGINT, "bigint"},       {TYPE_FLOAT, "float"},
    {TYPE_DOUBLE, "double"},   {TYPE_STRING, "string"},       {TYPE_BINARY, "binary"},
    {TYPE_DATE, "date"},       {TYPE_TIMESTAMP, "timestamp"}, {TYPE_TIMESTAMP_NTZ, "ntz"},
};

static void print_native_cast(Printer *printer, const Expr *value, const Type *type, bool is_try)
{
    print_text(printer, is_try ? "TRY_CAST(" : "CAST(");
    if (type->kind == TYPE_DECIMAL && !is_integer(print_kind(value))) {
        print_text(printer, is_try                            ? "spark_try_cast_decimal("
                            : print_is_opaque(printer, value) ? "spark_cast_decimal("
                                                              : "spark_decimal(");
        print_expr(printer, value);
        print_text(printer, ")");
    } else {
        print_expr(printer, value);
    }
    print_text(printer, " AS ");
    type_print_duck(type, printer->out);
    print_text(printer, ")");
}

static bool holds_only(const Type *type, bool (*accept)(const Type *))
{
    switch (type->kind) {
    case TYPE_ARRAY:
        return holds_only(type->element, accept);
    case TYPE_MAP:
        return holds_only(type->key, accept) && holds_only(type->element, accept);
    case TYPE_STRUCT:
        for (size_t i = 0; i < type->fields.count; i++) {
            if (!holds_only(type->fields.columns[i].type, accept)) {
                return false;
            }
        }
        return true;
    default:
        return accept(type);
    }
}

// Inside nested types DuckDB's own casts work; they agree with Spark's for these.
static bool is_safe_inside(const Type *type)
{
    return type->kind != TYPE_BINARY && type->kind != TYPE_INTERVAL && type->kind != TYPE_OTHER;
}

void print_cast(Printer *printer, const Expr *value, const Type *type, bool is_try)
{
    if (value->kind == EXPR_NULL) {
        print_native_cast(printer, value, type, false);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(cast_names); i++) {
        if (cast_names[i].kind == type->kind) {
            buffer_printf(printer->out,
                          is_try                            ? "spark_try_cast_%s("
                          : print_is_opaque(printer, value) ? "spark_cast_%s("
                                                            : "spark_%s(",
                          cast_names[i].name);
            print_expr(printer, value);
            print_text(printer, ")");
            return;
        }
    }
    bool nested = type->kind == TYPE_ARRAY || type->kind == TYPE_MAP || type->kind == TYPE_STRUCT;
    if (type->kind == TYPE_DECIMAL || (nested && holds_only(type, is_safe_inside))) {
        print_native_cast(printer, value, type, is_try);
        return;
    }
    Buffer name = {0};
    type_print(type, &name);
    print_problem(printer, value->pos, "UNSUPPORTED_FEATURE", NULL,
                  "CAST to %s is not supported yet", buffer_text(&name));
    buffer_done(&name);
}

// ---- arithmetic ----------------------------------------------------------------------------

static void print_pair(Printer *printer, const char *function, const Expr *left, const Expr *right,
                       char letter)
{
    buffer_printf(printer->out, "%s(", function);
    print_as(printer, left, letter);
    print_text(printer, ", ");
    print_as(printer, right, letter);
    print_text(printer, ")");
}

// The type of an operand, as text known while binding. A whole number written in the query counts
// with the digits it has, as in Spark, not with those of INT.
static void print_type_of(Printer *printer, const Expr *expr)
{
    if (expr->kind == EXPR_NUMBER && is_integer(print_kind(expr))) {
        size_t sign = expr->text.data[0] == '-' ? 1 : 0;
        size_t suffix =
            print_kind(expr) == KIND_BIGINT && (expr->text.data[expr->text.size - 1] | 32) == 'l';
        buffer_printf(printer->out, "'LITERAL(%zu)'", expr->text.size - sign - suffix);
        return;
    }
    print_text(printer, "typeof(");
    print_expr(printer, expr);
    print_text(printer, ")");
}

void print_divide(Printer *printer, const Expr *left, const Expr *right, bool is_try)
{
    ValueKind a = print_kind(left);
    ValueKind b = print_kind(right);
    if (a == KIND_INTERVAL || b == KIND_INTERVAL) {
        print_problem(printer, left->pos, "UNSUPPORTED_FEATURE", NULL,
                      "division of intervals is not supported yet");
        return;
    }
    const char *name = is_try ? "spark_try_divide" : "spark_divide";
    if (a == KIND_DOUBLE || b == KIND_DOUBLE || (is_integer(a) && is_integer(b))) {
        buffer_printf(printer->out, "%s_double(", name);
        print_as(printer, left, 'd');
        print_text(printer, ", ");
        print_as(printer, right, 'd');
        print_text(printer, ")");
        return;
    }
    if (++printer->divisions > PRINT_MAX_DIVISIONS) {
        print_problem(printer, left->pos, "UNSUPPORTED_FEATURE", "CAST the operands AS DOUBLE",
                      "divisions nested this deeply are not supported");
        printer->divisions--;
        return;
    }
    // DuckDB has no division of decimals: the digits come as text and get the type that Spark
    // gives, which is computed while binding.
    buffer_printf(printer->out, "cast_to_type(%s(", name);
    print_expr(printer, left);
    print_text(printer, ", ");
    print_expr(printer, right);
    for (int use = 0; use < 2; use++) {
        print_text(printer, use == 0 ? ", spark_divide_type("
                                     : "), json_transform('null', "
                                       "spark_divide_type(");
        print_type_of(printer, left);
        print_text(printer, ", ");
        print_type_of(printer, right);
        print_text(printer, ")");
    }
    print_text(printer, "))");
    printer->divisions--;
}

static bool is_leaf(const Expr *expr)
{
    return expr->kind != EXPR_BINARY && expr->kind != EXPR_UNARY && expr->kind != EXPR_NUMBER;
}

// The difference as text, made what its type is: of dates and timestamps an interval.
static void print_minus_any(Printer *printer, const Expr *left, const Expr *right)
{
    print_text(printer, "cast_to_type(spark_difference(");
    print_expr(printer, left);
    print_text(printer, ", ");
    print_expr(printer, right);
    print_text(printer, ", (");
    print_expr(printer, left);
    print_text(printer, " - ");
    print_expr(printer, right);
    print_text(printer, ")), json_transform('null', spark_difference_type(typeof(");
    print_expr(printer, left);
    print_text(printer, "), typeof(");
    print_expr(printer, right);
    print_text(printer, "), typeof(");
    print_expr(printer, left);
    print_text(printer, " - ");
    print_expr(printer, right);
    print_text(printer, "))))");
}

static bool print_date_arithmetic(Printer *printer, const Expr *expr)
{
    const Expr *left = expr->arguments.items[0];
    const Expr *right = expr->arguments.items[1];
    bool plus = expr->op == OP_ADD;
    if (plus && print_kind(left) == KIND_INTERVAL && print_kind(right) != KIND_INTERVAL) {
        const Expr *swap = left;
        left = right;
        right = swap;
    }
    if (print_kind(right) == KIND_INTERVAL && print_kind(left) != KIND_INTERVAL) {
        bool has_time = right->kind != EXPR_INTERVAL || right->micros != 0;
        print_text(printer, has_time ? "spark_add_time" : "spark_add_days");
        print_text(printer, print_is_opaque(printer, left) ? "_any(" : "(");
        print_expr(printer, left);
        print_mark(printer, expr->pos);
        print_text(printer, plus ? ", " : ", - ");
        print_expr(printer, right);
        print_text(printer, ")");
        return true;
    }
    if (!plus && is_leaf(left) && is_leaf(right) && !is_integer(print_kind(left)) &&
        print_kind(left) != KIND_DOUBLE) {
        if (print_is_opaque(printer, left) || print_is_opaque(printer, right)) {
            print_minus_any(printer, left, right);
        } else {
            print_pair(printer, "spark_minus", left, right, 0);
        }
        return true;
    }
    return false;
}

static bool is_zero(const Expr *expr)
{
    for (size_t i = 0; i < expr->text.size; i++) {
        if (expr->text.data[i] >= '1' && expr->text.data[i] <= '9') {
            return false;
        }
    }
    return true;
}

static bool print_special(Printer *printer, const Expr *expr)
{
    const Expr *left = expr->arguments.items[0];
    const Expr *right = expr->arguments.items[1];
    switch (expr->op) {
    case OP_ADD:
    case OP_SUB:
        return print_date_arithmetic(printer, expr);
    case OP_DIV:
        print_divide(printer, left, right, false);
        return true;
    case OP_INT_DIV:
        print_pair(printer, "spark_int_divide", left, right, 0);
        return true;
    case OP_MOD:
        if (right->kind == EXPR_NUMBER && !is_zero(right)) {
            return false;
        }
        print_pair(printer, "spark_mod", left, right, 0);
        return true;
    case OP_CONCAT:
        print_pair(printer, "spark_array_concat", left, right, 0);
        return true;
    case OP_BIT_XOR:
        print_pair(printer, "xor", left, right, 0);
        return true;
    case OP_SHIFT_LEFT:
    case OP_SHIFT_RIGHT:
        print_text(printer, expr->op == OP_SHIFT_LEFT ? "spark_shift_left(" : "spark_shift_right(");
        print_expr(printer, left);
        print_text(printer, ", ");
        print_as(printer, right, 'i');
        print_text(printer, ")");
        return true;
    default:
        return false;
    }
}

static void print_concat_operator(Printer *printer, const Expr *expr)
{
    print_text(printer, "(");
    for (size_t i = 0; i < 2; i++) {
        const Expr *part = expr->arguments.items[i];
        print_text(printer, i > 0 ? " || " : "");
        print_as(printer, part, 'p');
    }
    print_text(printer, ")");
}

// ---- strings beside other types ----------------------------------------------------------------

// A string in arithmetic becomes BIGINT beside whole numbers and DOUBLE beside others.
static char number_letter(const Expr *expr, const Expr *other)
{
    return print_kind(expr) != KIND_STRING ? '\0' : is_integer(print_kind(other)) ? 'l' : 'd';
}

// What a string beside a value of this kind becomes; NULL: it stays.
static const char *beside(ValueKind kind)
{
    switch (kind) {
    case KIND_INT:
    case KIND_BIGINT:
        return "bigint";
    case KIND_DOUBLE:
    case KIND_DECIMAL:
        return "double";
    case KIND_DATE:
        return "date";
    case KIND_TIMESTAMP:
        return "timestamp";
    case KIND_BOOLEAN:
        return "boolean";
    default:
        return NULL;
    }
}

void print_beside(Printer *printer, const Expr *expr, const Expr *other)
{
    ValueKind kind = print_kind(expr);
    const char *target = beside(print_kind(other));
    if (target != NULL && kind == KIND_STRING) {
        buffer_printf(printer->out, "spark_cast_%s(", target);
        print_expr(printer, expr);
        print_text(printer, ")");
    } else if (target != NULL && kind == KIND_UNKNOWN && !print_is_opaque(printer, expr)) {
        buffer_printf(printer->out, "spark_beside_%s(", target);
        print_expr(printer, expr);
        print_text(printer, ")");
    } else if (expr->kind == EXPR_STRING && print_kind(other) == KIND_UNKNOWN && is_leaf(other) &&
               !print_is_opaque(printer, other)) {
        print_text(printer, "spark_match(");
        print_expr(printer, expr);
        print_text(printer, ", ");
        print_expr(printer, other);
        print_text(printer, ")");
    } else if (expr != other && expr->kind == EXPR_COLUMN && other->kind == EXPR_COLUMN &&
               !print_is_opaque(printer, expr) && !print_is_opaque(printer, other)) {
        print_pair(printer, "spark_unify", expr, other, 0);
    } else {
        print_expr(printer, expr);
    }
}

// An operand of + - *: only columns may be strings without a sign of it, so that long sums do not
// bind their terms again and again.
static void print_term(Printer *printer, const Expr *expr, const Expr *other)
{
    char letter = number_letter(expr, other);
    bool is_column = expr->kind == EXPR_COLUMN || expr->kind == EXPR_FIELD;
    bool is_number = is_integer(print_kind(other)) || print_kind(other) == KIND_DOUBLE ||
                     print_kind(other) == KIND_DECIMAL;
    if (letter == '\0' && is_column && is_number) {
        print_beside(printer, expr, other);
    } else if (letter != '\0' && print_kind(other) == KIND_UNKNOWN &&
               !print_is_opaque(printer, other)) {
        print_text(printer, "spark_match_number(");
        print_expr(printer, expr);
        print_text(printer, ", ");
        print_expr(printer, other);
        print_text(printer, ")");
    } else {
        print_as(printer, expr, letter);
    }
}

static void print_plain(Printer *printer, const Expr *expr, const Expr *other)
{
    (void)other;
    print_expr(printer, expr);
}

static bool is_comparison(Op op)
{
    return op == OP_EQ || op == OP_NE || op == OP_NULL_SAFE_EQ || op == OP_LT || op == OP_LE ||
           op == OP_GT || op == OP_GE || op == OP_IS_DISTINCT;
}

void print_binary(Printer *printer, const Expr *expr)
{
    static const char *const texts[] = {
        [OP_OR] = " OR ",
        [OP_AND] = " AND ",
        [OP_EQ] = " = ",
        [OP_NE] = " <> ",
        [OP_NULL_SAFE_EQ] = " IS NOT DISTINCT FROM ",
        [OP_LT] = " < ",
        [OP_LE] = " <= ",
        [OP_GT] = " > ",
        [OP_GE] = " >= ",
        [OP_ADD] = " + ",
        [OP_SUB] = " - ",
        [OP_MUL] = " * ",
        [OP_DIV] = " / ",
        [OP_MOD] = " % ",
        [OP_BIT_AND] = " & ",
        [OP_BIT_OR] = " | ",
        [OP_IS_DISTINCT] = " IS DISTINCT FROM ",
    };
    const Expr *left = expr->arguments.items[0];
    const Expr *right = expr->arguments.items[1];
    bool arrays = print_kind(left) == KIND_ARRAY || print_kind(right) == KIND_ARRAY;
    if (expr->op == OP_CONCAT && !arrays) {
        print_concat_operator(printer, expr);
        return;
    }
    if (print_special(printer, expr)) {
        return;
    }
    bool counts = expr->op == OP_ADD || expr->op == OP_SUB || expr->op == OP_MUL;
    void (*print)(Printer *, const Expr *, const Expr *) = counts                    ? print_term
                                                           : is_comparison(expr->op) ? print_beside
                                                                                     : print_plain;
    print_text(printer, "(");
    print(printer, left, right);
    print_mark(printer, expr->pos);
    print_text(printer, texts[expr->op]);
    print(printer, right, left);
    print_text(printer, ")");
}
