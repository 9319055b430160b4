//! Tokens to statements.

use super::lexer::{Token, tokenize};
use super::{CodeError, Value};

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Statement {
    Assert {
        condition: Tree,
        message: Option<Tree>,
        text: String,
    },
    /// `name = value`, or `name op= value`.
    Assign {
        name: String,
        operator: Option<&'static str>,
        value: Tree,
    },
    Print(Vec<Tree>),
    /// An expression for nothing.
    Expression(Tree),
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Tree {
    Constant(Value),
    Name(String),
    List(Vec<Tree>),
    Unary(&'static str, Box<Tree>),
    Binary(&'static str, Box<Tree>, Box<Tree>),
    And(Box<Tree>, Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
    /// First operand, then operators with theirs.
    Compare(Box<Tree>, Vec<(&'static str, Tree)>),
    /// Condition, value if true, value if false.
    Choose(Box<Tree>, Box<Tree>, Box<Tree>),
    Call(String, Vec<Tree>),
}

const RESERVED: [&str; 23] = [
    "if", "else", "elif", "for", "while", "def", "class", "return", "import", "from", "lambda",
    "try", "except", "with", "global", "del", "raise", "yield", "is", "in", "and", "or", "not",
];

/// Levels of binary operators, from loose to tight.
const LEVELS: [&[&str]; 6] =
    [&["|"], &["^"], &["&"], &["<<", ">>"], &["+", "-"], &["*", "/", "//", "%"]];
const COMPARISONS: [&str; 6] = ["==", "!=", "<=", ">=", "<", ">"];
/// Deeper nesting than any person writes.
const MAX_DEPTH: usize = 64;

pub(super) fn statements(text: &str) -> Result<Vec<Statement>, CodeError> {
    let mut parser = Parser { text, tokens: tokenize(text)?, at: 0, depth: 0 };
    let mut statements = Vec::new();
    while parser.at < parser.tokens.len() {
        if parser.peek() == Some(&Token::End) {
            parser.at += 1;
            continue;
        }
        if let Some(statement) = parser.statement()? {
            statements.push(statement);
        }
        if !parser.eat(&Token::End) {
            return Err(parser.unexpected());
        }
    }
    Ok(statements)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(Token, usize)>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn eat(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    fn eat_operator(&mut self, wanted: &[&'static str]) -> Option<&'static str> {
        match self.peek() {
            Some(Token::Operator(operator)) if wanted.contains(operator) => {
                let operator = *operator;
                self.at += 1;
                Some(operator)
            }
            _ => None,
        }
    }

    fn eat_name(&mut self, name: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Name(found)) if found == name);
        self.at += usize::from(found);
        found
    }

    fn offset(&self, at: usize) -> usize {
        self.tokens.get(at).map_or(self.text.len(), |(_, offset)| *offset)
    }

    fn unexpected(&self) -> CodeError {
        let line = self.text[self.offset(self.at)..].lines().next().unwrap_or("");
        CodeError::Unsupported(format!("at `{}`", line.trim()))
    }

    fn expect(&mut self, operator: &'static str) -> Result<(), CodeError> {
        if self.eat(&Token::Operator(operator)) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn statement(&mut self) -> Result<Option<Statement>, CodeError> {
        let from = self.at;
        if self.eat_name("pass") {
            return Ok(None);
        }
        if self.eat_name("assert") {
            let condition = self.expression()?;
            let text = self.text[self.offset(from)..self.offset(self.at)].trim().to_owned();
            let comma = self.eat(&Token::Operator(","));
            let message = if comma { Some(self.expression()?) } else { None };
            return Ok(Some(Statement::Assert { condition, message, text }));
        }
        if let Some(Token::Name(name)) = self.peek()
            && !RESERVED.contains(&name.as_str())
        {
            let name = name.clone();
            self.at += 1;
            if self.eat(&Token::Operator("=")) {
                let value = self.tuple()?;
                return Ok(Some(Statement::Assign { name, operator: None, value }));
            }
            let augmented = [
                ("+=", "+"),
                ("-=", "-"),
                ("*=", "*"),
                ("/=", "/"),
                ("//=", "//"),
                ("%=", "%"),
                ("&=", "&"),
                ("|=", "|"),
                ("^=", "^"),
                ("<<=", "<<"),
                (">>=", ">>"),
            ];
            for (token, operator) in augmented {
                if self.eat(&Token::Operator(token)) {
                    let value = self.tuple()?;
                    return Ok(Some(Statement::Assign { name, operator: Some(operator), value }));
                }
            }
            if name == "print" && self.eat(&Token::Operator("(")) {
                return Ok(Some(Statement::Print(self.list(")")?)));
            }
            self.at = from;
        }
        Ok(Some(Statement::Expression(self.tuple()?)))
    }

    fn tuple(&mut self) -> Result<Tree, CodeError> {
        let first = self.expression()?;
        if self.peek() != Some(&Token::Operator(",")) {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.eat(&Token::Operator(",")) {
            items.push(self.expression()?);
        }
        Ok(Tree::List(items))
    }

    fn list(&mut self, close: &'static str) -> Result<Vec<Tree>, CodeError> {
        let mut items = Vec::new();
        while !self.eat(&Token::Operator(close)) {
            items.push(self.expression()?);
            if !self.eat(&Token::Operator(",")) {
                self.expect(close)?;
                break;
            }
        }
        Ok(items)
    }

    fn expression(&mut self) -> Result<Tree, CodeError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(CodeError::Unsupported("deep nesting".into()));
        }
        let value = self.or()?;
        let value = if self.eat_name("if") {
            let condition = self.or()?;
            if !self.eat_name("else") {
                return Err(self.unexpected());
            }
            Tree::Choose(Box::new(condition), Box::new(value), Box::new(self.expression()?))
        } else {
            value
        };
        self.depth -= 1;
        Ok(value)
    }

    fn or(&mut self) -> Result<Tree, CodeError> {
        let mut left = self.and()?;
        while self.eat_name("or") {
            left = Tree::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Tree, CodeError> {
        let mut left = self.not()?;
        while self.eat_name("and") {
            left = Tree::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Tree, CodeError> {
        let mut count = 0;
        while self.eat_name("not") {
            count += 1;
        }
        let mut tree = self.comparison()?;
        for _ in 0..count {
            tree = Tree::Unary("not", Box::new(tree));
        }
        Ok(tree)
    }

    fn comparison(&mut self) -> Result<Tree, CodeError> {
        let first = self.binary(0)?;
        let mut others = Vec::new();
        loop {
            let operator = if let Some(operator) = self.eat_operator(&COMPARISONS) {
                operator
            } else if self.eat_name("in") {
                "in"
            } else if self.eat_name("not") {
                if !self.eat_name("in") {
                    return Err(self.unexpected());
                }
                "not in"
            } else if self.eat_name("is") {
                if self.eat_name("not") { "is not" } else { "is" }
            } else {
                break;
            };
            others.push((operator, self.binary(0)?));
        }
        Ok(if others.is_empty() { first } else { Tree::Compare(Box::new(first), others) })
    }

    fn binary(&mut self, level: usize) -> Result<Tree, CodeError> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = self.eat_operator(operators) {
            let right = self.binary(level + 1)?;
            left = Tree::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Tree, CodeError> {
        let mut operators = Vec::new();
        while let Some(operator) = self.eat_operator(&["-", "+", "~"]) {
            operators.push(operator);
        }
        let mut tree = self.power()?;
        while let Some(operator) = operators.pop() {
            tree = Tree::Unary(operator, Box::new(tree));
        }
        Ok(tree)
    }

    fn power(&mut self) -> Result<Tree, CodeError> {
        let base = self.atom()?;
        if self.eat(&Token::Operator("**")) {
            return Ok(Tree::Binary("**", Box::new(base), Box::new(self.unary()?)));
        }
        Ok(base)
    }

    fn atom(&mut self) -> Result<Tree, CodeError> {
        let Some(token) = self.peek().cloned() else { return Err(self.unexpected()) };
        match token {
            Token::Int(value) => self.constant(Value::Int(value)),
            Token::Float(value) => self.constant(Value::Float(value)),
            Token::Str(value) => self.constant(Value::Str(value)),
            Token::Name(name) => match name.as_str() {
                "True" => self.constant(Value::Bool(true)),
                "False" => self.constant(Value::Bool(false)),
                "None" => self.constant(Value::None),
                _ if RESERVED.contains(&name.as_str()) => Err(self.unexpected()),
                _ => {
                    self.at += 1;
                    if self.eat(&Token::Operator("(")) {
                        return Ok(Tree::Call(name, self.list(")")?));
                    }
                    Ok(Tree::Name(name))
                }
            },
            Token::Operator("(") => {
                self.at += 1;
                let from = self.at;
                let mut items = self.list(")")?;
                // Only a comma makes a tuple.
                let comma = self.at >= 2
                    && self.tokens[self.at - 2].0 == Token::Operator(",")
                    && self.at - 2 > from;
                match items.pop() {
                    Some(only) if items.is_empty() && !comma => Ok(only),
                    last => {
                        items.extend(last);
                        Ok(Tree::List(items))
                    }
                }
            }
            Token::Operator("[") => {
                self.at += 1;
                Ok(Tree::List(self.list("]")?))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn constant(&mut self, value: Value) -> Result<Tree, CodeError> {
        self.at += 1;
        Ok(Tree::Constant(value))
    }
}
