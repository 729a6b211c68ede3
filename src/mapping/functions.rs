//! The functions that scripts may call, with what they take.

/// A helper of `$.util`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Helper {
    pub(super) name: &'static str,
    pub(super) parameters: &'static str,
    pub(super) what: &'static str,
}

const fn helper(name: &'static str, parameters: &'static str, what: &'static str) -> Helper {
    Helper {
        name,
        parameters,
        what,
    }
}

/// The helpers of `$.util`, as `jsonnet/util.libsonnet` defines them.
pub(super) const HELPERS: [Helper; 14] = [
    helper(
        "lookup_field",
        "obj, path, default=null, raw=false",
        "a field that may be absent; raw: the path is one name, dots and all",
    ),
    helper(
        "lookup_custom_field",
        "id, obj, default=''",
        "a custom field's value by its id, in whatever group it is",
    ),
    helper(
        "array_map",
        "array_def, val, default=null",
        "the val of the first {cmp, val} whose cmp equals the value",
    ),
    helper(
        "range_map",
        "range_def, val, default=null",
        "the val of the first {cmp, val} whose cmp is not exceeded",
    ),
    helper(
        "date_convert",
        "value, format_input, format_output, timezone_in='UTC', timezone_out='UTC'",
        "a date written another way",
    ),
    helper(
        "date_time_format_fn_utc",
        "",
        "Field Nation's date format: YYYY-MM-DD HH:mm:ss",
    ),
    helper("date_add", "value, format_input=''", "the date a day later"),
    helper("array_sum", "array", "the sum of a list's numbers"),
    helper(
        "object_map_array",
        "arr, map",
        "objects with other names for their fields; map: {path: new name}",
    ),
    helper(
        "results_values",
        "results, field, default='', raw=false",
        "one field of every object of a list",
    ),
    helper(
        "results_values_unique",
        "results, field, default='', raw=false",
        "the same, each value once",
    ),
    helper(
        "results_group_by",
        "results, group_by_field, additional_filter=function(result) true, raw=false",
        "the objects of a list by a field's value",
    ),
    helper(
        "is_expense_approved_fn",
        "expense",
        "whether an expense is approved",
    ),
    helper(
        "sum_expense_field",
        "expenses, field",
        "the sum of a field over a list",
    ),
];

/// The functions of `std` by name, with what they take.
pub(super) const STANDARD: [(&str, &str); 157] = [
    ("abs", "n"),
    ("acos", "x"),
    ("all", "arr"),
    ("any", "arr"),
    ("asciiLower", "str"),
    ("asciiUpper", "str"),
    ("asin", "x"),
    ("assertEqual", "a, b"),
    ("atan", "x"),
    ("atan2", "y, x"),
    ("avg", "arr, onEmpty"),
    ("base64", "input"),
    ("base64Decode", "str, lossy=false"),
    ("base64DecodeBytes", "str"),
    ("ceil", "x"),
    ("char", "n"),
    ("clamp", "x, minVal, maxVal"),
    ("codepoint", "str"),
    ("contains", "arr, elem"),
    ("cos", "x"),
    ("count", "arr, x"),
    ("decodeUTF8", "arr, lossy=true"),
    ("deepJoin", "arr"),
    ("deg2rad", "x"),
    ("encodeUTF8", "str"),
    ("endsWith", "a, b"),
    ("equals", "a, b"),
    ("equalsIgnoreCase", "str1, str2"),
    ("escapeStringBash", "str"),
    ("escapeStringDollars", "str"),
    ("escapeStringJson", "str"),
    ("escapeStringPython", "str"),
    ("escapeStringXML", "str"),
    ("exp", "x"),
    ("exponent", "x"),
    ("filter", "func, arr"),
    ("filterMap", "filter_func, map_func, arr"),
    ("find", "value, arr"),
    ("findSubstr", "pat, str"),
    ("flatMap", "func, arr"),
    ("flattenArrays", "arrs"),
    ("flattenDeepArray", "value"),
    ("floor", "x"),
    ("foldl", "func, arr, init"),
    ("foldr", "func, arr, init"),
    ("format", "str, vals"),
    ("get", "o, f, default=null, inc_hidden=true"),
    ("hypot", "x, y"),
    ("id", "x"),
    ("isArray", "v"),
    ("isBoolean", "v"),
    ("isDecimal", "x"),
    ("isEmpty", "str"),
    ("isEven", "x"),
    ("isFunction", "v"),
    ("isInteger", "x"),
    ("isNull", "v"),
    ("isNumber", "v"),
    ("isObject", "v"),
    ("isOdd", "x"),
    ("isString", "v"),
    ("join", "sep, arr"),
    ("length", "x"),
    ("lines", "arr"),
    ("log", "x"),
    ("log10", "x"),
    ("log2", "x"),
    ("lstripChars", "str, chars"),
    ("makeArray", "sz, func"),
    ("manifestIni", "ini"),
    ("manifestJson", "value"),
    (
        "manifestJsonEx",
        "value, indent, newline='\\n', key_val_sep=': '",
    ),
    ("manifestJsonMinified", "value"),
    ("manifestPython", "v"),
    ("manifestPythonVars", "conf"),
    ("manifestToml", "value"),
    ("manifestTomlEx", "value, indent"),
    ("manifestXmlJsonml", "value"),
    (
        "manifestYamlDoc",
        "value, indent_array_in_object=false, quote_keys=true",
    ),
    (
        "manifestYamlStream",
        "value, indent_array_in_object=false, c_document_end=true, quote_keys=true",
    ),
    ("mantissa", "x"),
    ("map", "func, arr"),
    ("mapWithIndex", "func, arr"),
    ("mapWithKey", "func, obj"),
    ("max", "a, b"),
    ("maxArray", "arr, keyF=id, onEmpty"),
    ("md5", "s"),
    ("member", "arr, x"),
    ("mergePatch", "target, patch"),
    ("min", "a, b"),
    ("minArray", "arr, keyF=id, onEmpty"),
    ("mod", "a, b"),
    ("modulo", "x, y"),
    ("objectFields", "o"),
    ("objectFieldsAll", "o"),
    ("objectFieldsEx", "obj, hidden"),
    ("objectHas", "o, f"),
    ("objectHasAll", "o, f"),
    ("objectHasEx", "obj, fname, hidden"),
    ("objectKeysValues", "o"),
    ("objectKeysValuesAll", "o"),
    ("objectRemoveKey", "obj, key"),
    ("objectValues", "o"),
    ("objectValuesAll", "o"),
    ("parseHex", "str"),
    ("parseInt", "str"),
    ("parseJson", "str"),
    ("parseOctal", "str"),
    ("parseYaml", "str"),
    ("pow", "x, n"),
    ("primitiveEquals", "x, y"),
    ("prune", "a"),
    ("rad2deg", "x"),
    ("range", "from, to"),
    ("regexFullMatch", "pattern, str"),
    ("regexGlobalReplace", "str, pattern, to"),
    ("regexPartialMatch", "pattern, str"),
    ("regexQuoteMeta", "pattern"),
    ("regexReplace", "str, pattern, to"),
    ("remove", "arr, elem"),
    ("removeAt", "arr, at"),
    ("repeat", "what, count"),
    ("resolvePath", "f, r"),
    ("reverse", "arr"),
    ("round", "x"),
    ("rstripChars", "str, chars"),
    ("set", "arr, keyF=id"),
    ("setDiff", "a, b, keyF=id"),
    ("setInter", "a, b, keyF=id"),
    ("setMember", "x, arr, keyF=id"),
    ("setUnion", "a, b, keyF=id"),
    ("sha1", "str"),
    ("sha256", "str"),
    ("sha3", "str"),
    ("sha512", "str"),
    ("sign", "n"),
    ("sin", "x"),
    ("slice", "indexable, index, end, step"),
    ("sort", "arr, keyF=id"),
    ("split", "str, c"),
    ("splitLimit", "str, c, maxsplits"),
    ("splitLimitR", "str, c, maxsplits"),
    ("sqrt", "x"),
    ("startsWith", "a, b"),
    ("stringChars", "str"),
    ("stripChars", "str, chars"),
    ("strReplace", "str, from, to"),
    ("substr", "str, from, len"),
    ("sum", "arr"),
    ("tan", "x"),
    ("toString", "a"),
    ("trace", "str, rest"),
    ("trim", "str"),
    ("type", "x"),
    ("uniq", "arr, keyF=id"),
    ("xnor", "x, y"),
    ("xor", "x, y"),
];

#[cfg(test)]
mod tests {
    use jrsonnet_evaluator::trace::PathResolver;
    use jrsonnet_evaluator::{State, Val};

    use super::*;
    use crate::mapping::jsonnet::natives;

    fn native_head(name: &str) -> String {
        let natives = natives();
        let (_, native) = natives.iter().find(|(native, _)| *native == name).unwrap();
        format!("{name}{}", native.params()).replace(" = ", "=")
    }

    #[test]
    fn the_helpers_are_those_of_the_library() {
        let library = include_str!("jsonnet/util.libsonnet");
        let defined: Vec<String> = library
            .lines()
            .filter_map(|line| line.strip_prefix("  ")?.split_once("::"))
            .filter(|(head, _)| head.starts_with(|first: char| first.is_ascii_lowercase()))
            .filter(|(head, _)| !head.contains("local "))
            .map(|(head, body)| {
                if body.contains("std.native") {
                    // What it takes is told by the function of Rust.
                    native_head(head)
                } else {
                    head.to_owned()
                }
            })
            .collect();
        for helper in HELPERS {
            let head = format!("{}({})", helper.name, helper.parameters);
            assert!(defined.contains(&head), "{head} is not among {defined:?}");
        }
        let functions = defined.iter().filter(|head| head.ends_with(')')).count();
        assert_eq!(functions, HELPERS.len(), "{defined:?}");
    }

    #[test]
    fn the_standard_functions_are_those_of_the_interpreter() {
        let mut builder = State::builder();
        builder.context_initializer(jrsonnet_stdlib::ContextInitializer::new(
            PathResolver::FileName,
        ));
        let state = builder.build();
        let _entered = state.try_enter();
        let names = state
            .evaluate_snippet("names", "std.join(' ', std.objectFieldsAll(std))")
            .unwrap();
        let Val::Str(names) = names else {
            panic!("the names are no text")
        };
        let names = names.to_string();
        let known: Vec<&str> = STANDARD.iter().map(|(name, _)| *name).collect();
        // What scripts have no use for, or can't use here.
        let others = ["extVar", "native", "pi", "thisFile"];
        let mut real: Vec<&str> = names
            .split(' ')
            .filter(|name| !name.starts_with("__") && !others.contains(name))
            .collect();
        real.sort_by_key(|name| name.to_lowercase());
        assert_eq!(known, real);
    }
}
